/**
 * The words go as base64, as Windows PowerShell drops empty ones and quotes within others. It gets a word to insert, what to show in
 * the list, and a description; paths it completes itself where it is given nothing.
 */
export const powershell = String.raw`# tab completion of cgpu for PowerShell; made by: cgpu completion powershell
Register-ArgumentCompleter -Native -CommandName cgpu -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $current = "$wordToComplete".Trim([char]34, [char]39)
    $typed = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes((@($words) + $current) -join [char]10))
    $cgpu = Get-Command cgpu -CommandType 'Application', 'ExternalScript' -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $cgpu) { return }
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [Text.Encoding]::UTF8
        $answer = @(& $cgpu __complete powershell $typed 2>$null)
    } catch {
        return
    } finally {
        [Console]::OutputEncoding = $encoding
    }
    $answer | Select-Object -Skip 1 | ForEach-Object {
        $insert, $shown, $about = $_ -split [char]9, 3
        if (-not $about) { $about = $shown }
        [System.Management.Automation.CompletionResult]::new($insert, $shown, 'ParameterValue', $about)
    }
}
`

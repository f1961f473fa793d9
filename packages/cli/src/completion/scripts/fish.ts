/** fish quotes what it inserts, and puts no space behind a /, a : or a =. Before fish 4 the words came without -x. */
export const fish = String.raw`# tab completion of cgpu for fish; made by: cgpu completion fish
function __cgpu_complete
    set -l words (commandline -xpc 2>/dev/null; or commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command cgpu __complete fish $words[2..-1] "$current" </dev/null 2>/dev/null)
    switch "$answer[1]"
        case '*files*'
            __fish_complete_path "$current"
        case '*dirs*'
            __fish_complete_directories "$current" ''
    end
    if set -q answer[2]
        printf '%s\n' $answer[2..-1]
    end
end
complete -c cgpu -f -a '(__cgpu_complete)'
`

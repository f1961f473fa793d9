import assert from 'node:assert/strict'
import {fileURLToPath} from 'node:url'
import {Language, type Node, Parser} from 'web-tree-sitter'
import {powershell} from './powershell.ts'

/** No PowerShell can be had where these tests run: a grammar of it tells at least that this is one. */
describe('the script of PowerShell', () => {
  let parser: Parser
  before(async () => {
    await Parser.init()
    parser = new Parser()
    parser.setLanguage(await Language.load(fileURLToPath(import.meta.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm'))))
  })
  after(() => parser.delete())

  const nodes = (node: Node): Node[] => [node, ...node.children.flatMap((child) => (child ? nodes(child) : []))]
  const parsed = (text: string): Node[] => {
    const tree = parser.parse(text)
    assert.ok(tree)
    return nodes(tree.rootNode)
  }
  const wrong = (text: string): string[] => parsed(text).filter((node) => node.isError || node.isMissing).map(({startPosition, text: what}) => `line ${startPosition.row + 1}: ${what}`)

  it('is PowerShell', () => {
    assert.deepEqual(wrong(powershell), [])
    assert.notDeepEqual(wrong(powershell.replace('return }', 'return')), [])
  })

  it('registers itself, calls cgpu, and takes no other program', () => {
    const commands = parsed(powershell).filter(({type}) => type === 'command').map((node) => node.children[0]?.text === '&' ? `& ${node.children[1]?.text ?? ''}` : (node.children[0]?.text ?? ''))
    assert.deepEqual([...new Set(commands)].sort(), ['& $cgpu', 'ForEach-Object', 'Get-Command', 'Register-ArgumentCompleter', 'Select-Object', 'Where-Object'])
  })

  it('is built as what PowerShell calls for a program\'s arguments', () => {
    const tree = parsed(powershell)
    const of = (type: string): string[] => tree.filter((node) => node.type === type).map(({text}) => text.replaceAll(/\s+/g, ' '))
    const called = (name: string): string => of('command').find((text) => text.startsWith(name)) ?? ''
    assert.match(called('Register-ArgumentCompleter'), /^Register-ArgumentCompleter -Native -CommandName cgpu -ScriptBlock \{/)
    // the three that a native completer is given
    assert.deepEqual(of('param_block'), ['param($wordToComplete, $commandAst, $cursorPosition)'])
    assert.equal(called('& $cgpu'), '& $cgpu __complete powershell $typed 2>$null')
    // every use of a variable that is not PowerShell's own comes after it was given something
    const given = new Set(['$_', '$null', '$wordtocomplete', '$commandast', '$cursorposition', '$insert', '$shown', '$about'])
    for (const {type, text} of tree) {
      if (type === 'assignment_expression') given.add((/^\$\w+/.exec(text)?.[0] ?? '').toLowerCase())
      else if (type === 'variable') assert.ok(given.has(text.toLowerCase()), `${text} is used before it has a value`)
    }
    // the line is put back as it was, whatever cgpu did
    assert.match(of('finally_clause').join(), /^finally \{ \[Console\]::OutputEncoding = \$encoding \}$/)
    // of each line of the answer: what is inserted, what is shown, the kind, the description
    assert.match(powershell, /-split \[char\]9, 3[^]*CompletionResult\]::new\(\$insert, \$shown, 'ParameterValue', \$about\)/)
  })
})

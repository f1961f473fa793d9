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
})

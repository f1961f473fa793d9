import assert from 'node:assert/strict'
import {Readable} from 'node:stream'
import {cellsOf, PipedLines} from './piped.ts'

/** As IPython says for what is used here: a block is whole at an empty line, brackets when they are closed. */
async function continues(code: string): Promise<string | undefined> {
  const opened = code.split('').reduce((depth, char) => depth + ('([{'.includes(char) ? 1 : ')]}'.includes(char) ? -1 : 0), 0)
  const lines = code.split('\n')
  const inBlock = /^\s/.test(lines.at(-1) ?? '') || (lines.at(-1) ?? '').endsWith(':')
  return opened > 0 || (inBlock && lines.at(-1)?.trim() !== '') ? '    ' : undefined
}

async function cells(text: string, language = 'python'): Promise<string[]> {
  const lines = new PipedLines(Readable.from([Buffer.from(text)]))
  const all: string[] = []
  for await (const cell of cellsOf({lines, language: () => language, continues})) all.push(cell)
  return all
}

describe('code from a pipe', () => {
  const cases: [name: string, text: string, cells: string[]][] = [
    ['a cell a line', 'a\nb\n', ['a', 'b']],
    ['nothing', '', []],
    ['no line end at the end', 'a', ['a']],
    ['line ends of Windows', 'a\r\nb\r\n', ['a', 'b']],
    ['empty lines between', '\n\na\n\n\nb\n', ['a', 'b']],
    ['a function, ended by what follows it', 'def f():\n    return 1\nf()\n', ['def f():\n    return 1', 'f()']],
    ['a function with an empty line in it', 'def f():\n    a = 1\n\n    return a\n\nf()\n', ['def f():\n    a = 1\n\n    return a', 'f()']],
    ['else and except', 'if a: b\nelse: c\ntry:\n    d\nexcept E:\n    e\n', ['if a: b\nelse: c', 'try:\n    d\nexcept E:\n    e']],
    ['brackets over lines', 'f(\n1,\n)\ng\n', ['f(\n1,\n)', 'g']],
    ['a block at the end', 'for n in x:\n    n\n', ['for n in x:\n    n']],
  ]
  for (const [name, text, expected] of cases) it(name, async () => assert.deepEqual(await cells(text), expected))

  it('is not looked ahead in for other languages', async () => {
    assert.deepEqual(await cells('f(\n1)\n  g\n', 'r'), ['f(\n1)', '  g'])
  })
})

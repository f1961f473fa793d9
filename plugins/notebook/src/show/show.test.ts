import assert from 'node:assert/strict'
import type {Output} from '../format/model.ts'
import {parseNotebook} from '../format/read.ts'
import {Highlighter} from '../highlight.ts'
import {terminalMarkdown} from './markdown.ts'
import {pagerCommand} from './pager.ts'
import {shown} from './show.ts'

const outputs = [
  {output_type: 'stream', name: 'stdout', text: 'a\u001b]0;title\u0007\u001b[31mred\u001b[0m\n'},
  {output_type: 'execute_result', execution_count: 3, metadata: {}, data: {'text/html': '<b>7</b>', 'text/plain': '7'}},
  {output_type: 'display_data', metadata: {}, data: {'image/png': 'AAAA'}},
  {output_type: 'error', ename: 'E', evalue: 'v', traceback: ['one', 'two']},
]
const notebook = parseNotebook(JSON.stringify({
  cells: [{cell_type: 'markdown', id: 'a', metadata: {}, source: '# Title'}, {cell_type: 'code', id: 'b', metadata: {tags: ['plot']}, source: 'x', execution_count: 3, outputs}, {cell_type: 'code', id: 'c', metadata: {}, source: '', execution_count: null, outputs: []}],
  metadata: {}, nbformat: 4, nbformat_minor: 5,
}), 'x')

describe('showing a notebook', () => {
  it('prints cells and outputs, harmless for a terminal', () => {
    assert.equal([...shown(notebook, {colour: false})].join(''), 'markdown:\n# Title\n\nIn [3]: (plot)\nx\na␛]0;title␇red\nOut[3]: 7\n[image/png, 3 bytes]\none\ntwo\n\nIn [ ]:\n')
  })

  it('takes what says more than the name of an object', () => {
    const dataOf = (mime: string, value: unknown) => ({output_type: 'display_data', metadata: {}, data: {'text/plain': '<IPython.core.display.X object>', [mime]: value}})
    const all = [dataOf('text/html', '<i>z</i>'), dataOf('text/latex', '$x$'), dataOf('application/json', [1]), dataOf('application/x-own', 'x')]
    const text = [...shown({...notebook, cells: [{cell_type: 'code', id: 'a', metadata: {}, source: '', execution_count: null, outputs: all as Output[]}]}, {colour: false})].join('')
    assert.equal(text, 'In [ ]:\nz\n$x$\n[\n  1\n]\n<IPython.core.display.X object>\n')
  })

  it('keeps colours where they are wanted', () => assert.match([...shown(notebook, {colour: true})].join(''), /\u001b\[31mred\u001b\[0m/))
})

describe('Markdown in a terminal', () => {
  const safe = (text: string): string => text.replaceAll('\u001b', '␛')
  const laidOut = async (source: string, {width = 30, colour = false} = {}): Promise<string> => terminalMarkdown(source, {width, colour, safe, highlighter: await Highlighter.of(colour ? ['python'] : [])})

  it('is laid out for its width', async () => {
    const source = '# A *title*\n\nwords that go on for longer than\nthe line\n\n- one\n- two that is longer than the line may be\n  1. deep\n\n> said\n\n```python\nif x:\n  y\n```\n\n| a | b |\n|---|---|\n| 1 | 22 |\n\n[here](https://x.example) ![alt](a.png) `code`<br><b>bold</b>\n\n<div><p>block</p></div>\n\n---'
    assert.equal(await laidOut(source), `# A title

words that go on for longer
than the line

- one
- two that is longer than the
  line may be
  1. deep

| said

    if x:
      y

a  b
1  22

here (https://x.example) [alt]
\`code\`
bold

block

${'─'.repeat(30)}
`)
  })

  it('is coloured where that is wanted, and harmless', async () => {
    assert.equal(await laidOut('# T\n\n**b** `c` \u001b[2J\n\n```python\nimport x\n```', {colour: true, width: 80}), '\u001b[1mT\u001b[22m\n\n\u001b[1mb\u001b[22m \u001b[36mc\u001b[39m ␛[2J\n\n    \u001b[35mimport\u001b[39m x\n')
  })
})

describe('a pager', () => {
  it('is the user’s, else less, and none where none is wanted', () => {
    const cases: [NodeJS.ProcessEnv, NodeJS.Platform, string | undefined][] = [
      [{}, 'linux', 'less'], [{}, 'win32', undefined], [{PAGER: 'most'}, 'win32', 'most'], [{PAGER: 'cat'}, 'linux', undefined], [{PAGER: 'more', CGPU_PAGER: ''}, 'linux', undefined], [{PAGER: 'more', CGPU_PAGER: 'less -S'}, 'linux', 'less -S'],
    ]
    for (const [env, platform, command] of cases) assert.equal(pagerCommand(env, platform), command)
  })
})

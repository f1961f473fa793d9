import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Display} from '@cgpu/core/execution/events'
import {renderDisplay, type DisplayOptions} from './display.ts'
import {htmlToText, imageProtocol, inlineImage} from '@cgpu/plugin-sdk/render'
import {formatTraceback} from './traceback.ts'

const show = (data: Record<string, unknown>): Display => ({kind: 'display_data', data, metadata: {}})
const png = Buffer.from('89504e470d0a1a0a', 'hex')

describe('renderDisplay', () => {
  let folder: string
  let options: DisplayOptions
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-display-'))
    options = {imageDir: join(folder, 'out'), imageName: () => 'cell-1', terminal: false, env: {}}
  })
  afterEach(() => rm(folder, {recursive: true}))

  it('saves an image that the terminal cannot show, and tells where', async () => {
    const {saved} = await renderDisplay(show({'image/png': png.toString('base64'), 'text/plain': '<Figure>'}), options)
    assert.equal(saved, join(folder, 'out', 'cell-1.png'))
    assert.deepEqual(await readFile(saved), png)
  })

  it('never lets a name lead out of its folder', async () => {
    const {saved} = await renderDisplay(show({'image/svg+xml': '<svg/>'}), {...options, imageName: () => '../../evil'})
    assert.equal(saved, join(folder, 'out', '.._.._evil.svg'))
  })

  it('shows it inline where the terminal says that it can', async () => {
    const {inline} = await renderDisplay(show({'image/png': png.toString('base64')}), {...options, terminal: true, env: {TERM: 'xterm-kitty'}})
    assert.match(inline ?? '', /^\u001b_Ga=T,f=100,m=0;/)
  })

  it('fails with a fix where it cannot be saved', async () => {
    await writeFile(join(folder, 'out'), '')
    await assert.rejects(renderDisplay(show({'image/png': 'AAAA'}), options), {code: 'CANNOT_WRITE', exit: 73})
  })

  const texts: [title: string, data: Record<string, unknown>, expected: string | undefined][] = [
    ['plain text', {'text/plain': '42'}, '42'],
    ['plain text in lines, as notebooks keep it', {'text/plain': ['a\n', 'b']}, 'a\nb'],
    ['a DataFrame by its own plain text', {'text/plain': '   a\n0  1', 'text/html': '<table><tr><td>1</td></tr></table>'}, '   a\n0  1'],
    ['a styled one by its HTML', {'text/plain': '<pandas.io.formats.style.Styler at 0x7f0a>', 'text/html': '<table><tr><th></th><th>a</th></tr><tr><th>0</th><td>1</td></tr></table>'}, '   a\n0  1'],
    ['HTML alone', {'text/html': '<p>one &amp; <b>two</b></p><script>alert(1)</script><p>three</p>'}, 'one & two\nthree'],
    ['JSON', {'application/json': {a: 1}}, '{\n  "a": 1\n}'],
    ['nothing that it knows', {'application/x-unknown': 1}, undefined],
  ]
  for (const [title, data, expected] of texts) it(`shows ${title}`, async () => assert.equal((await renderDisplay(show(data), options)).text, expected))
})

describe('htmlToText', () => {
  it('reads tables that are not closed, spans and entities', () => {
    assert.equal(htmlToText('<table><tr><th colspan=2>&lt;x&gt;<tr><td>a<td>&#98;'), '<x>\na    b')
  })

  it('takes hostile input in linear time', () => {
    const started = process.cpuUsage()
    htmlToText('<table>'.repeat(50_000) + '<tr'.repeat(50_000) + '<!--'.repeat(50_000))
    assert.ok(process.cpuUsage(started).user < 5e6)
  })

  it('keeps broken entities as they are', () => assert.equal(htmlToText('<p>&#xffffff; &nope; &#0;</p>'), '\ufffd &nope; \ufffd'))
})

describe('inline images', () => {
  it('are for terminals that say so, and for none behind tmux, in CI or with NO_COLOR', () => {
    assert.equal(imageProtocol({TERM: 'xterm-kitty'}), 'kitty')
    assert.equal(imageProtocol({TERM_PROGRAM: 'iTerm.app'}), 'iterm2')
    assert.equal(imageProtocol({TERM: 'xterm-256color'}), undefined)
    for (const env of [{TMUX: '1'}, {CI: '1'}, {NO_COLOR: '1'}]) assert.equal(imageProtocol({TERM: 'xterm-kitty', ...env}), undefined)
  })

  it('go to kitty in pieces of 4096 characters', () => {
    const pieces = inlineImage(Buffer.alloc(7000), 'kitty').split('\u001b\\').slice(0, -1)
    assert.equal(pieces.length, 3)
    assert.deepEqual(pieces.map((piece) => /m=(\d);/.exec(piece)?.[1]), ['1', '1', '0'])
  })

  it('go to iTerm2 whole, with their size', () => assert.match(inlineImage(png, 'iterm2'), /^\u001b\]1337;File=inline=1;size=8;.*\u0007\n$/))
})

describe('formatTraceback', () => {
  const error = {name: 'ValueError', value: 'no', traceback: ['\u001b[31mValueError\u001b[0m: no \u001b]0;title\u0007']}

  it('keeps colours on a terminal and nothing that acts on it', () => {
    const text = formatTraceback(error, {isTTY: true}, {})
    assert.match(text, /\u001b\[31m/)
    assert.doesNotMatch(text, /\u001b\]/)
  })

  it('has no escape bytes elsewhere', () => assert.doesNotMatch(formatTraceback(error, {isTTY: false}, {}), /\u001b/))

  it('says at least what happened', () => assert.equal(formatTraceback({name: 'E', value: 'v', traceback: []}, {}, {}), 'E: v\n'))
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import {ScreenFilter} from './filter.ts'

const through = (text: string, {raw = false, replayed = false, cuts = [] as number[]} = {}): string => {
  const filter = new ScreenFilter({raw})
  const bytes = Buffer.from(text)
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return Buffer.concat(edges.slice(1).map((end, i) => filter.write(bytes.subarray(edges[i], end), replayed))).toString()
}

const st = '\x1b\\'
const passing = {
  'text, colours and moves': 'grüße \x1b[1;38;2;1;2;3mx\x1b[0m\x1b[10;20H\x1b[2J\x1b[K\r\n\t\b\x07',
  'screen, mouse and paste modes': '\x1b[?1049h\x1b[?1000;1006h\x1b[?2004h\x1b[?25l\x1b=\x1b[4 q',
  'charsets and short sequences': '\x1b(0lqk\x1b(B\x1b7\x1b8\x1bM\x1b#8\x1b%G',
  'what a program asks of its terminal': '\x1b[c\x1b[>c\x1b[6n\x1b[?u\x1b[14t\x1b[18t\x1b]11;?\x07\x1bP+q544e\x1b\\\x1bP$qm\x1b\\',
  'colours of the palette and links': `\x1b]4;1;rgb:00/00/00\x07\x1b]10;#fff${st}\x1b]8;;https://example.org${st}here\x1b]8;;${st}`,
  'images': `\x1bPq#0;2;0;0;0~-${st}\x1b_Gf=100,a=T;aGk=${st}`,
  'an emoji and other wide text': '\u{1f600} 漢字 \u00a0\u00bf',
}
const stopped = {
  'the clipboard': '\x1b]52;c;aGk=\x07', 'the clipboard, with ST': `\x1b]52;c;aGk=${st}`, 'titles': '\x1b]0;a\x07\x1b]1;b\x07\x1b]2;c\x07', 'screen\'s title': `\x1bktitle${st}`,
  'notifications': '\x1b]9;now\x07\x1b]777;notify;a;b\x07\x1b]99;;a\x07', 'iTerm\'s own, its clipboard and files': '\x1b]1337;Copy=:aGk=\x07\x1b]1337;File=name=a:aGk=\x07',
  'the working folder': '\x1b]7;file:///etc\x07', 'the window': '\x1b[8;10;10t\x1b[3;0;0t\x1b[21t\x1b[22;0t', 'a passage through tmux': '\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\',
  'keys that are defined': `\x1bP0;1|17/61${st}`, 'the printer': '\x1b[5i', 'what the screen shows': '\x1b[1;1;1;1;24;80*y', 'the answerback': '\x05',
  'files that kitty would read': `\x1b_Ga=T,t=f;L2V0Yy9wYXNzd2Q=${st}`, 'messages for nobody': `\x1b^private${st}\x1bXsos${st}`,
}

describe('what a remote terminal may do to the local one', () => {
  for (const [what, text] of Object.entries(passing)) it(`${what} pass untouched`, () => assert.equal(through(text), text))
  for (const [what, text] of Object.entries(stopped)) {
    it(`stops: ${what}`, () => assert.equal(through(`a${text}b`).replace('\x1b\\b', 'b'), 'ab'))
    it(`passes when raw: ${what}`, () => assert.equal(through(text, {raw: true}), text))
  }

  it('however it is hidden, no clipboard sequence comes out', () => {
    for (const text of [
      '\x1b\x1b]52;c;x\x07]52;c;x\x07', '\x1b\x05]52;c;x\x07', '\x1b\n]52;c;x\x07', '\xc2\x9d52;c;x\x07', '\u009d52;c;x\x07', '\x1b]8;\x1b]52;c;x\x07', '\x1bP\x1b]52;c;x\x07',
      `\x1b[${'1'.repeat(300)}\x1b]52;c;x\x07`, '\x1b[1\x052t', `\x1b]${'0'.repeat(9000)}52;c;x\x07`, '\x1b]052;c;x\x07', '\x1b[\x1b]52;c;x\x07',
    ]) assert.doesNotMatch(through(text), /(\x1b\]|\u009d)0*52/, JSON.stringify(text))
    assert.doesNotMatch(through(`\x1b_G${'a=T,'.repeat(200)}t=f;eA==${st}`), /\x1b_/)
    assert.doesNotMatch(through(`\x1b[${'0'.repeat(300)}21t`), /\x1b\[/)
  })

  it('gives the same however the output is cut', () => {
    const all = fc.constantFrom(...Object.values(passing), ...Object.values(stopped), 'plain', '\x1b', '\x1b]', '\x1bP', '\x07', 'ü', '\x18')
    fc.assert(fc.property(fc.array(all, {maxLength: 6}), fc.array(fc.nat(400), {maxLength: 8}), fc.boolean(), (parts, cuts, replayed) => {
      const text = `${parts.join('')}\x18.`
      assert.equal(through(text, {cuts, replayed}), through(text, {replayed}))
    }))
  })

  it('never lets an introducer of a stopped string out, whatever comes', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('\x1b', ']', '[', 'P', '_', '52', ';', 'c', '\x07', '\\', '2', 't', '?', '\x05', '\x18', 'x'), {maxLength: 24}), (parts) => {
      assert.doesNotMatch(through(parts.join('')), /\x1b(?:\](?!(?:4|8|10|11|12|104|110|111|112|133)[;\x07\x18\x1a\x1b])|\^|X|$)/)
    }))
  })

  it('leaves questions out of what was shown before, and shows the rest', () => {
    assert.equal(through('a\x1b[cb\x1b[6nc\x1b[?2026$pd\x1b[>qe\x1b[?uf\x1bZg\x1b]11;?\x07h\x1bP+q544e\x1b\\i\x1b[18tj\x05k\x1b[1mx\x1b[4 q', {replayed: true}), 'abcdefghijk\x1b[1mx\x1b[4 q')
    assert.equal(through('a\x1b[cb', {replayed: true, raw: true}), 'ab')
  })

  it('knows how to undo what was changed, and only that', () => {
    const undo = (text: string): string => {
      const filter = new ScreenFilter()
      filter.write(Buffer.from(text))
      return filter.changes.undo()
    }
    const table: [string, string][] = [
      ['plain \x1b[31mred', ''],
      ['\x1b[?1049h\x1b[?1000;1006h\x1b[?25l', '\x1b[?25h\x1b[?1006l\x1b[?1000l\x1b[?1049l'],
      ['\x1b[?2004h\x1b[?2004l\x1b[?25l\x1b[?25h\x1b[?7h', ''],
      ['\x1b[>1u\x1b[>5u\x1b[<u', '\x1b[<1u'],
      ['\x1b[>4;2m\x1b=\x1b[5 q\x1b(0', '\x1b(B\x0f\x1b[>4m\x1b>\x1b[0 q'],
      ['\x1b[2;10r', '\x1b7\x1b[r\x1b8'],
      ['\x1b[4h\x1b[20h', '\x1b[4l\x1b[20l'],
      ['\x1b[?1049h\x1bc', ''],
      ['\x1b]52;c;x\x1b[?25l', '\x1b[?25h'],
    ]
    for (const [text, wanted] of table) assert.equal(undo(text), `\x1b[0m${wanted}`, JSON.stringify(text))
    const filter = new ScreenFilter()
    assert.equal(filter.changes.assume([1049, 2004]), '\x1b[?1049h\x1b[?2004h')
    assert.equal(filter.changes.onOtherScreen, true)
    assert.equal(filter.changes.undo(), '\x1b[0m\x1b[?2004l\x1b[?1049l')
    assert.equal(filter.changes.undo(), '\x1b[0m')
  })
})

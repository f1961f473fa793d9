import assert from 'node:assert/strict'
import {DetachKeys, parseKeys} from './detach-keys.ts'

/** What passes of what is typed, piece by piece; `|` is where it detaches. */
function typed(keys: string, ...pieces: string[]): {passed: string; watch: DetachKeys} {
  const seen = {passed: ''}
  const watch = new DetachKeys(parseKeys(keys) ?? [], {pass: (data) => void (seen.passed += Buffer.from(data).toString('latin1')), detach: () => void (seen.passed += '|')})
  for (const piece of pieces) watch.type(Buffer.from(piece, 'latin1'))
  return {get passed() { return seen.passed }, watch}
}

describe('the keys that leave a terminal running', () => {
  const table: [string, string[], string][] = [
    ['ctrl-],d', ['ab\x1ddcd'], 'ab|'],
    ['ctrl-],d', ['ab\x1d', 'd'], 'ab|'],
    ['ctrl-],d', ['\x1dx', 'y'], '\x1dxy'],
    ['ctrl-],d', ['\x1d\x1dd'], '\x1d|'],
    ['ctrl-],d', ['d', '\x1b[93;5u', '\x1b[100u'], 'd|'],
    ['ctrl-],d', ['\x1b[27;5;93~d'], '|'],
    ['ctrl-p,ctrl-q', ['a\x10b\x10\x11'], 'a\x10b|'],
    ['Ctrl-A', ['\x01'], '|'],
    ['~', ['a~b'], 'a|'],
  ]
  for (const [keys, pieces, wanted] of table) {
    it(`${keys}: ${JSON.stringify(pieces)} gives ${JSON.stringify(wanted)}`, () => {
      const {passed, watch} = typed(keys, ...pieces)
      watch.close()
      assert.equal(passed, wanted)
    })
  }

  it('the first of them alone passes after a moment', async () => {
    const result = typed('ctrl-],d', 'a\x1d')
    assert.equal(result.passed, 'a')
    const late = performance.now() + 5_000
    while (result.passed === 'a' && performance.now() < late) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(result.passed, 'a\x1d')
    result.watch.type(Buffer.from('d'))
    assert.equal(result.passed, 'a\x1dd')
  }).timeout(8_000)

  it('are said as people read them, and refused where they are none', () => {
    assert.equal(typed('ctrl-],d').watch.shown, 'Ctrl-] d')
    assert.equal(typed('ctrl-p,ctrl-q').watch.shown, 'Ctrl-P Ctrl-Q')
    assert.deepEqual([parseKeys('none'), parseKeys('')], [undefined, undefined])
    for (const wrong of ['ctrl-', 'ctrl-1', 'ab', 'ctrl-],', 'alt-x', 'ctrl-ü']) assert.throws(() => parseKeys(wrong), {code: 'INVALID_KEYS', exit: 64}, wrong)
  })
})

import assert from 'node:assert/strict'
import {mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import fc from 'fast-check'
import {RunLog} from './log.ts'

describe('the output of a run', () => {
  let folder = ''
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'cgpu-log-')) })
  afterEach(() => rmSync(folder, {recursive: true, force: true}))
  const path = (): string => join(folder, 'nightly', '1.log')

  it('is there while it comes, for its owner only', () => {
    const log = new RunLog(path())
    log.write(Buffer.from('one\n'))
    assert.equal(readFileSync(path(), 'utf8'), 'one\n')
    if (process.platform !== 'win32') assert.equal(statSync(path()).mode & 0o777, 0o600)
    assert.equal(log.end(), undefined)
  })

  it('keeps its beginning and its end, however it is cut into pieces', () => fc.assert(fc.property(fc.array(fc.string({maxLength: 80}), {maxLength: 40}), fc.integer({min: 20, max: 300}), (pieces, maxBytes) => {
    const all = Buffer.from(pieces.join(''))
    const log = new RunLog(path(), maxBytes)
    for (const piece of pieces) log.write(Buffer.from(piece))
    assert.equal(log.end(), undefined)
    const kept = readFileSync(path())
    if (all.length <= maxBytes) return assert.deepEqual(kept, all)
    const tail = Math.ceil(maxBytes / 10)
    const note = /\n\[([\d.]+ (?:B|KiB)) left out\]\n/.exec(kept.toString('latin1'))
    assert.ok(note)
    assert.deepEqual(kept.subarray(0, maxBytes - tail), all.subarray(0, maxBytes - tail))
    assert.deepEqual(kept.subarray(-tail), all.subarray(-tail))
    assert.equal(kept.length, maxBytes + note[0].length)
  })))

  it('that cannot be kept is told in plain words', () => {
    writeFileSync(join(folder, 'nightly'), '')
    assert.throws(() => new RunLog(path()), {code: 'CANNOT_WRITE', exit: 73})
  })
})

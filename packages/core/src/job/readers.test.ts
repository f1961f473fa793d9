import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Readers} from './readers.ts'

describe('readers of a job', () => {
  let folder = ''
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cgpu-readers-')) })
  afterEach(() => rm(folder, {recursive: true, force: true}))
  const at = (): string => join(folder, 'a.readers')

  it('are others only while their process lives and has not said that it is done', async () => {
    const readers = new Readers(at())
    assert.equal(await readers.others(), false)
    const done = await readers.join()
    assert.equal(await readers.others(), false, 'this process is not another')
    const code = `const {Readers} = await import(process.argv[1]); await new Readers(process.argv[2]).join(); console.log('joined'); setInterval(() => {}, 1000)`
    const other = spawn(process.execPath, ['--conditions=cgpu-source', '--input-type=module', '-e', code, new URL('readers.ts', import.meta.url).href, at()], {stdio: ['ignore', 'pipe', 'inherit']})
    const gone = once(other, 'exit')
    await once(other.stdout, 'data')
    assert.equal(await readers.others(), true)
    other.kill('SIGKILL')
    await gone
    assert.equal(await readers.others(), false)
    await done()
  })

  it('leave nothing behind', async () => {
    const readers = new Readers(at())
    const [one, two] = [await readers.join(), await readers.join()]
    await one()
    assert.ok(existsSync(at()))
    await two()
    assert.ok(!existsSync(at()))
  })

  it('are not told of by a broken mark', async () => {
    const readers = new Readers(at())
    const done = await readers.join()
    await writeFile(join(at(), '1-x.json'), '{"pid": 1')
    await writeFile(join(at(), '2-x.json'), '[]')
    assert.equal(await readers.others(), false)
    await done()
    await readers.remove()
    assert.ok(!existsSync(at()))
  })
})

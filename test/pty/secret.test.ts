import assert from 'node:assert/strict'
import {screen, Terminal} from '../helpers/terminal.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

describe('secrets on a terminal', () => {
  let bench: Workbench
  beforeEach(async () => {
    bench = await workbench()
    Object.assign(bench.home.env, {CGPU_KEYRING: 'off'})
  })
  afterEach(() => bench.remove())

  it('are typed without an echo', async () => {
    const set = new Terminal(['secret', 'set', 'HF_TOKEN'], {home: bench.home})
    await set.shows(/value of HF_TOKEN: /)
    set.type('hf_never_shown\r')
    assert.equal((await set.exit).exitCode, 0, set.output)
    assert.doesNotMatch(set.output, /hf_never/)
    assert.ok(screen(set.output).some((line) => line.startsWith('HF_TOKEN is kept in a file')), set.output)
    assert.deepEqual(await bench.data(['secret', 'list']), [{name: 'HF_TOKEN', sources: ['file']}])
  })

  it('are not kept when Ctrl-C ends the question', async () => {
    const set = new Terminal(['secret', 'set', 'HF_TOKEN'], {home: bench.home})
    await set.shows(/value of HF_TOKEN: /)
    set.interrupt()
    assert.equal((await set.exit).exitCode, 130, set.output)
    assert.deepEqual(await bench.data(['secret', 'list']), [])
  })
})

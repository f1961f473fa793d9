import assert from 'node:assert/strict'
import {mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {patience} from '../helpers/daemon-bed.ts'
import {Terminal} from '../helpers/terminal.ts'
import {jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

describe('completion of what a machine holds', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    Object.assign(bench.home.env, {CGPU_DAEMON: 'on', CGPU_COMPLETION_MS: '20000', ...patience})
    const server = await jupyterThere(bench)
    await mkdir(join(server.root, 'data'))
    await writeFile(join(server.root, 'data', 'train set.csv'), '')
    bench.onRemove(() => bench.cli(['daemon', 'stop']))
  })
  after(() => bench.remove())

  const answers = async (words: string[], env: Record<string, string> = {}): Promise<string[]> => {
    const {status, stdout, stderr} = await bench.cli(['__complete', 'zsh', ...words], {env})
    assert.deepEqual([status, stderr], [0, ''])
    return stdout.split('\n').slice(1, -1).map((line) => line.split('\t')[0]!)
  }
  const sessions = async (): Promise<string[]> => (await bench.data<{sessions: {runtime: string}[]}>(['daemon', 'status'])).sessions.map(({runtime}) => runtime)

  it('starts no daemon, and uses the one that is there', async () => {
    assert.deepEqual(await answers(['fs', 'cat', 'there:da']), ['there:data/'])
    assert.equal((await bench.data<{state: string}>(['daemon', 'status'])).state, 'stopped')
    assert.equal((await bench.cli(['daemon', 'start'])).status, 0)
    assert.deepEqual(await sessions(), [])
    assert.deepEqual(await answers(['fs', 'cat', 'there:data/']), ['there:data/train set.csv'])
    assert.deepEqual(await sessions(), ['there'])
    assert.deepEqual(await answers(['kernel', 'start', '-r', 'there', '--spec', 'pyth']), ['python3'])
    assert.deepEqual(await answers(['fs', 'ls', '--runtime', 'nobody', '']), [])
  })

  it('goes past a daemon that is not to be used', async () => {
    assert.deepEqual(await answers(['fs', 'cat', 'there:da'], {CGPU_DAEMON: 'off'}), ['there:data/'])
    assert.deepEqual(await answers(['fs', 'cat', 'there:da'], {CGPU_TOKEN: 'secret'}), ['there:data/'])
  })

  it('knows the terminals that are open, and brings no agent to look for them', async () => {
    assert.deepEqual(await answers(['shell', 'there', '--session', '']), [])
    assert.equal((await bench.cli(['shell', 'there', '--list'])).status, 0)
    const terminal = new Terminal(['shell', 'there', '--session', 'work', '--', 'cat'], {home: bench.home})
    await terminal.shows(/terminal work on there/)
    assert.deepEqual(await answers(['shell', 'there', '--kill', 'w']), ['work'])
    assert.deepEqual(await answers(['shell', '--session', 'w'], {CGPU_DAEMON: 'off'}), ['work'])
    assert.equal((await bench.cli(['shell', 'there', '--kill', 'work'])).status, 0)
    await terminal.exit
    // the agent is on the machine now: it tells of folders that the server does not
    const outside = await mkdtemp(join(tmpdir(), 'cgpu-outside-'))
    bench.onRemove(() => rm(outside, {recursive: true}))
    await mkdir(join(outside, 'deep'))
    await symlink('deep', join(outside, 'linked'))
    await until(async () => (await answers(['fs', 'cat', `there:${outside}/`])).join(' ') === `there:${outside}/deep/ there:${outside}/linked/`, () => 'the agent was not asked')
    assert.deepEqual(await answers(['fs', 'cat', `there:${outside}/l`]), [`there:${outside}/linked/`])
    assert.deepEqual(await answers(['fs', 'cat', `there:${outside}/no/`]), [])
    assert.deepEqual(await answers(['fs', 'cat', 'there:data/']), ['there:data/train set.csv'])
  })
})

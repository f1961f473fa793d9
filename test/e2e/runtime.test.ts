import assert from 'node:assert/strict'
import {mkdir, readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {outputSchemas} from '../../packages/core/src/schema/zod.ts'
import {envelope} from '../helpers/cli.ts'
import {assertRefused, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface Listed {
  id: string
  name: string
  isDefault: boolean
  created?: boolean
}

describe('cgpu runtime', function () {
  this.timeout(90_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
  })
  after(() => bench.remove())
  const cli = (...args: string[]) => bench.cli(['runtime', ...args])
  const good = async (...args: string[]) => {
    const result = await cli(...args)
    assert.equal(result.status, 0, result.stderr)
    return result.stdout
  }
  const list = () => bench.data<Listed[]>(['runtime', 'list'])

  it('has nothing to show at first', async () => {
    const empty = await cli('list')
    assert.deepEqual([empty.status, empty.stdout, empty.stderr], [0, '', 'no runtimes. make one: cgpu runtime create\n'])
    assert.deepEqual(await list(), [])
    assertRefused(await cli('show'), 66)
    assertRefused(await cli('release', 'nobody'), 66)
    const all = await cli('release', '--all', '--yes')
    assert.deepEqual([all.status, all.stderr], [0, 'no runtimes to release\n'])
  })

  it('makes runtimes, with names and without, and says what they are', async () => {
    const {runtime} = await outputSchemas()
    assert.match(await good('create', '--name', 'train-a'), /^train-a {2}local {2}cpu {2}ready\n$/)
    const made = runtime.strict().parse(envelope(await cli('create', '--json')).data)
    assert.match(made.name, /^[a-z]+-[a-z]+$/)
    assert.deepEqual([made.provider, made.state, made.origin, made.ephemeral], ['local', 'ready', 'created', false])
    await good('rename', made.name, 'train-b')
    const listed = (await list()).map((one) => runtime.strict().parse(one))
    assert.deepEqual(listed.map(({name, id}) => [name, id === made.id]), [['train-b', true], ['train-a', false]], 'newest first')
    assert.match(await good('list'), /train-b +local +cpu +ready.*\n.*train-a/)
    // the second one is asked later
    const ageless = (table: string): string => table.replaceAll(/(just now|\S+ \S+ ago)$/gm, 'AGE')
    assert.equal(ageless((await bench.cli(['ps'])).stdout), ageless(await good('list')))
  })

  it('makes one only unless it is there', async () => {
    const first = envelope<Listed>(await cli('ensure', 'train-a', '--json')).data
    assert.equal(first.created, false)
    assert.equal((await list()).length, 2)
    assertRefused(await cli('ensure', 'train-a', '--provider', 'jupyter'), [64, 72])
  })

  it('finds one by the beginning of its name, unless that is of several', async () => {
    assert.match(await good('show', 'train-a'), /name +train-a\n/)
    const several = await cli('show', 'tra')
    assertRefused(several, 64)
    assert.match(several.stderr, /matches 2 runtimes: train-b, train-a/)
    assert.match((await cli('show', 'trein-a')).stderr, /^fix: did you mean "train-a"\?$/m)
    const unnamed = await cli('show')
    assertRefused(unnamed, 64)
    assert.match(unnamed.stderr, /^fix: add --runtime train-b, or set a default: cgpu runtime use train-b$/m)
  })

  it('refuses names that are taken or impossible', async () => {
    assertRefused(await cli('create', '--name', 'train-a'), 72)
    assertRefused(await cli('rename', 'train-a', 'train-b'), 72)
    for (const name of ['', 'A', 'a b', '-a', 'a_b', 'ü', 'a'.repeat(41), '../x', 'a:b', 'a\nb', '\u001b[2J']) {
      assertRefused(await cli('rename', 'train-a', name), 64, JSON.stringify(name))
    }
    assertRefused(await cli('create', '--name', 'NO'), 64)
    assertRefused(await cli('ensure', 'NO'), 64)
    assert.equal((await list()).length, 2)
  })

  it('has a default for each folder, which another name does not change', async () => {
    const below = join(bench.home.cwd, 'project/sub')
    await mkdir(below, {recursive: true})
    const options = {cwd: join(bench.home.cwd, 'project')}
    assert.equal((await bench.cli(['runtime', 'use', 'train-b'], options)).status, 0)
    const where = async (cwd: string) => (await bench.data<Listed[]>(['runtime', 'list'], {cwd})).filter((one) => one.isDefault).map((one) => one.name)
    assert.deepEqual([await where(below), await where(bench.home.cwd)], [['train-b'], []])
    await good('rename', 'train-b', 'other')
    assert.deepEqual(await where(below), ['other'])
    assert.equal((await bench.cli(['exec', '1 + 1'], {cwd: below})).stdout, '2\n')
    assert.equal((await bench.cli(['runtime', 'use', '--none'], options)).status, 0)
    assert.deepEqual(await where(below), [])
    assert.equal((await bench.cli(['runtime', 'use', 'other'], options)).status, 0)
    assertRefused(await cli('use'), 64)
    assertRefused(await cli('use', 'other', '--none'), 64)
    assertRefused(await cli('use', 'nobody'), 66)
  })

  it('refuses what a provider cannot do before anything is made', async () => {
    const cases: [string[], number, RegExp][] = [
      [['--provider', 'jupyter'], 64, /jupyter does not make runtimes\nfix: cgpu runtime add URL --token-stdin/],
      [['--gpu', 'x9000'], 68, /this machine has no GPU/], [['--tpu', 'x9'], 68, /this machine has no TPU/], [['--image', 'x'], 64, /local has no images/], [['--high-ram'], 64, /local has no high-memory machines/],
      [['--gpu', 'any', '--cpu'], 64, /./], [['--gpu', ''], 64, /./], [['--gpu', '../x'], 64, /./], [['--provider', 'lokal'], 64, /did you mean local\?/], [['--provider', ''], 64, /./],
    ]
    for (const [flags, status, said] of cases) {
      const result = await cli('create', ...flags)
      assertRefused(result, status, flags.join(' '))
      assert.match(result.stderr, said)
    }
    assert.equal((await list()).length, 2)
  })

  it('lists accelerators', async () => {
    const {accelerator} = await outputSchemas()
    const all = (await bench.data<unknown[]>(['runtime', 'accelerators'])).map((one) => accelerator.parse(one))
    assert.ok(all.some(({kind, available}) => kind === 'cpu' && available))
    assert.match(await good('accelerators'), /^id +kind +name +memory +available/)
    assertRefused(await cli('accelerators', '--provider', 'none'), 64)
  })

  it('has nothing to reap while all is well', async () => {
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
  })

  it('names one whose server is gone, and what to do about it', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'dead'])).status, 0)
    const {id} = await bench.data<{id: string}>(['runtime', 'show', 'dead'])
    const folder = join(bench.home.dataDir, 'state', 'providers', 'local', id.replace(/^local-/, ''))
    const {server} = JSON.parse(await readFile(join(folder, 'processes.json'), 'utf8')) as {server: {pid: number}} // as the supervisor writes it
    process.kill(server.pid, 'SIGKILL')
    await until(async () => (await bench.data<{state: string}>(['runtime', 'show', 'dead'])).state === 'unreachable', () => 'it still answers')
    const refused = await bench.cli(['exec', '-r', 'dead', '1'])
    assert.match(refused.stderr, /the server of dead is gone[^]*cgpu runtime release dead/)
    assert.equal((await bench.cli(['stop', 'dead'])).status, 0)
  })

  it('asks before it releases all, and without a terminal refuses', async () => {
    const refused = await cli('release', '--all')
    assertRefused(refused, 64)
    assert.match(refused.stderr, /^fix: add --yes$/m)
    assertRefused(await cli('release'), 64)
    assertRefused(await cli('release', 'train-a', '--all', '--yes'), 64)
    assertRefused(await cli('release', 'train-a', 'nobody'), 66)
    assert.equal((await list()).length, 2)
  })

  it('releases several at once, and forgets where they were the default', async () => {
    const {released} = await outputSchemas()
    const gone = (await bench.data<unknown[]>(['stop', 'train-a', 'oth', 'train-a'])).map((one) => released.strict().parse(one))
    assert.deepEqual(gone.map(({name, stopped}) => [name, stopped]), [['train-a', true], ['other', true]])
    assert.deepEqual(await list(), [])
    assertRefused(await bench.cli(['exec', '1'], {cwd: join(bench.home.cwd, 'project')}), 66)
    assert.deepEqual((await readdir(join(bench.home.dataDir, 'state/providers/local'))).filter((name) => name.startsWith('rt-')), [])
  })
})

import assert from 'node:assert/strict'
import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {cgpu, envelope, sealedHome, type CliResult, type SealedHome} from '../helpers/cli.ts'

interface Entry {key: string; value: string | boolean | null; source: string; origin: string}

describe('cgpu config', function () {
  this.timeout(60_000)
  let home: SealedHome
  let file: string
  beforeEach(async () => {
    home = await sealedHome()
    file = join(home.configDir, 'config.json')
  })
  afterEach(() => home.remove())
  const config = (...args: string[]): Promise<CliResult> => cgpu(['config', ...args], {home})
  const get = async (key: string, env: Record<string, string> = {}): Promise<Entry> => envelope<Entry>(await cgpu(['config', 'get', key, '--json'], {home, env})).data

  it('sets, gets, lists and unsets', async () => {
    assert.equal((await config('set', 'gpu', 't4')).status, 0)
    assert.equal((await config('get', 'gpu')).stdout, 't4\n')
    assert.match((await config('get', 'gpu', '--origin')).stdout, new RegExp(`^t4 {2}\\(user config ${file}\\)\n$`))
    assert.match((await config('list', '--origin')).stdout, /^gpu +t4 +user config /m)
    assert.equal((await config('unset', 'gpu')).status, 0)
    assert.deepEqual([(await config('get', 'gpu')).stdout, (await get('gpu')).value], ['', null])
    assert.equal((await config('path')).stdout, `${file}\n`)
  })

  it('says which source wins: flag, environment, project file, profile, user config, default', async () => {
    assert.equal((await get('provider')).source, 'default')
    await config('set', 'provider', 'jupyter')
    assert.equal((await get('provider')).source, 'user')
    await config('set', 'provider', 'local', '--profile', 'work')
    assert.deepEqual([(await get('provider', {CGPU_PROFILE: 'work'})).source, (await get('provider', {CGPU_PROFILE: 'work'})).value], ['profile', 'local'])
    await writeFile(join(home.cwd, 'cgpu.yaml'), 'provider: local\n')
    assert.match((await get('provider')).origin, /project file .*cgpu\.yaml:1$/)
    assert.equal((await get('provider', {CGPU_PROVIDER: 'jupyter'})).source, 'environment')
  })

  it('warns when what was set is not what counts', async () => {
    const {status, stderr} = await cgpu(['config', 'set', 'gpu', 't4'], {home, env: {CGPU_GPU: 'l4'}})
    assert.equal(status, 0)
    assert.match(stderr, /^warning: gpu stays l4 here: environment CGPU_GPU is stronger$/m)
  })

  it('does not let a chosen profile change where set writes', async () => {
    await config('set', 'gpu', 'a100', '--profile', 'work')
    await cgpu(['config', 'set', 'gpu', 't4'], {home, env: {CGPU_PROFILE: 'work'}})
    assert.equal((await get('gpu')).value, 't4')
  })

  const wrong: [args: string[], code: string][] = [
    [['get', 'gup'], 'UNKNOWN_SETTING'], [['set', 'gup', 'x'], 'UNKNOWN_SETTING'], [['set', 'keep', 'perhaps'], 'INVALID_SETTING'],
    [['set', 'gpu', ''], 'INVALID_SETTING'], [['set', 'gpu', 'a\u001bb'], 'INVALID_SETTING'], [['set', 'profile', 'x', '--profile', 'y'], 'INVALID_SETTING'],
    [['set', 'gpu', 't4', '--profile', '../x'], 'INVALID_NAME'], [['get'], 'USAGE'], [['set', 'gpu'], 'USAGE'], [['set', 'gpu', 'a', 'b'], 'USAGE'],
  ]
  for (const [args, code] of wrong) {
    it(`refuses ${JSON.stringify(args)} with 64 and writes nothing`, async () => {
      const result = await config(...args, '--json')
      assert.equal(result.status, 64)
      assert.equal(envelope(result).error.code, code)
      assert.deepEqual(await readdir(home.configDir).catch(() => []), [])
    })
  }

  for (const [what, text] of [['empty', ''], ['half', '{"version": 1, "settings": {"gpu":'], ['a list', '[]'], ['binary', '\u0000\u0001']]) {
    it(`survives a config file that is ${what}: set aside, said so, nothing lost`, async () => {
      await mkdir(home.configDir, {recursive: true})
      await writeFile(file, text ?? '')
      const {status, stderr} = await config('list')
      assert.equal(status, 0)
      assert.match(stderr, /^warning: .*config\.json/m)
      const kept = await Promise.all((await readdir(home.configDir)).map((name) => readFile(join(home.configDir, name), 'utf8')))
      assert.ok(kept.includes(text ?? ''))
      assert.equal((await config('set', 'gpu', 't4')).status, 0)
      assert.equal((await get('gpu')).value, 't4')
    })
  }

  it('does not touch a file of a newer cgpu', async () => {
    const text = JSON.stringify({version: 99, settings: {}})
    await mkdir(home.configDir, {recursive: true})
    await writeFile(file, text)
    const {status, stderr} = await config('set', 'gpu', 't4')
    assert.ok(status === 65 || status === 73, String(status))
    assert.match(stderr, /^error: .*newer/m)
    assert.equal(await readFile(file, 'utf8'), text)
  })

  it('says that it cannot write, and where', async () => {
    await writeFile(home.configDir, 'a file where the folder should be')
    const {status, stderr} = await config('set', 'gpu', 't4')
    assert.equal(status, 73)
    assert.match(stderr, /^error: .*config/m)
    assert.match(stderr, /^fix: /m)
  })

  it('names the line of a project file that is wrong', async () => {
    await writeFile(join(home.cwd, 'cgpu.yaml'), 'provider: local\ngup: t4\n')
    const {status, stderr} = await config('list')
    assert.equal(status, 65)
    assert.match(stderr, /cgpu\.yaml:2: there is no setting "gup"\nfix: did you mean "gpu"\?/)
  })
})

describe('cgpu doctor', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
  })
  after(() => home.remove())

  it('checks this machine and changes nothing', async () => {
    const result = await cgpu(['doctor', '--json'], {home})
    assert.equal(result.status, 0, result.stdout)
    const {checks} = envelope<{checks: {id: string; state: string; message: string}[]}>(result).data
    assert.deepEqual(checks.map(({id}) => id), ['node', 'folders', 'settings', 'state', 'locks', 'daemon', 'python', 'accelerators', 'terminal', 'proxies', 'debug-logs'])
    assert.equal(checks.find(({id}) => id === 'node')?.message, `Node ${process.versions.node}`)
  })

  it('ends with the status of the first check that failed, and shows all', async () => {
    const {status, stdout} = await cgpu(['doctor'], {home, env: {CGPU_KEEP: 'perhaps'}})
    assert.equal(status, 64)
    assert.match(stdout, /^failed +settings +CGPU_KEEP must be true or false/m)
    assert.match(stdout, /^ok +Node /m)
    assert.match(stdout, /settings\n {2}fix: correct or unset CGPU_KEEP/)
  })
})

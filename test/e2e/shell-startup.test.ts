import assert from 'node:assert/strict'
import {mkdir, readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {cgpu, type CliResult, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'

// milliseconds depend on the machine; what is loaded does not, and it is what the milliseconds are spent on
describe('starting', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
  })
  after(() => home.remove())

  const counter = pathToFileURL(join(repoRoot, 'test/helpers/count-modules.mjs')).href
  const inRepo = async (file: string): Promise<string[]> => {
    const urls = JSON.parse(await readFile(file, 'utf8')) as string[] // count-modules.mjs wrote it
    return urls.map((url) => url.slice(pathToFileURL(repoRoot).href.length))
  }

  async function loadedBy(...args: string[]): Promise<string[]> {
    const file = join(home.path, 'modules.json')
    const {status, stderr} = await cgpu(args, {home, nodeArgs: ['--import', counter], env: {CGPU_TEST_MODULES: file}})
    assert.equal(status, 0, stderr)
    return inRepo(file)
  }

  it('for --version loads one file', async () => assert.deepEqual(await loadedBy('--version'), ['bin/run.js']))

  it('for the daily commands loads the bundle and nothing of oclif, zod, yaml or ws', async () => {
    for (const args of [['runtime', 'list'], ['config', 'list'], ['completion', 'bash']]) {
      const loaded = await loadedBy(...args)
      const outside = loaded.filter((file) => file !== 'bin/run.js' && !file.startsWith('packages/cli/dist/fast/'))
      assert.deepEqual(outside, [], args.join(' '))
      // each costs about a millisecond; scripts/layers.mjs keeps together what these share
      assert.ok(loaded.length <= 14, `${args.join(' ')} loads ${loaded.length} files`)
    }
  })

  it('finds in the bundles what packages of CommonJS give', async () => {
    for (const folder of ['fast', 'fast-daemon', 'fast-parts'].map((name) => join(repoRoot, 'packages/cli/dist', name))) {
      const parts = await Promise.all((await readdir(folder)).map(async (name) => ({name, text: await readFile(join(folder, name), 'utf8')})))
      const named = parts.filter(({name, text}) => /-[A-Z0-9]{8}\.js$/.test(name) && text.includes('\n// named:'))
      assert.ok(named.length > 0, folder)
      for (const {name} of named) await assert.doesNotReject(import(pathToFileURL(join(folder, name)).href), name)
    }
  })

  it('for a completion loads one file, and one or a few more for what is looked up', async () => {
    const most: [args: string[], files: number][] = [[['ru'], 2], [['config', 'set', 'gpu', '--'], 2], [['runtime', 'show', ''], 9], [['job', 'show', ''], 9], [['history', 'show', ''], 9]]
    for (const [args, files] of most) {
      const loaded = await loadedBy('__complete', 'zsh', ...args)
      assert.deepEqual(loaded.filter((file) => file !== 'bin/run.js' && !/^packages\/cli\/dist\/fast-complete(-parts)?\//.test(file)), [], args.join(' '))
      assert.ok(loaded.length <= files, `${args.join(' ')} loads ${loaded.join(' ')}`)
    }
  })

  it('keeps what was compiled where only its user can write, and makes it again where it is spoiled', async () => {
    const temp = join(home.path, 'temp')
    await mkdir(temp)
    const started = (...args: string[]): Promise<CliResult> => cgpu(args, {home, env: {NODE_COMPILE_CACHE: '', TMPDIR: temp}})
    assert.equal((await started('runtime', 'list')).status, 0)
    const missing = await started('exec', '1')
    assert.equal(missing.status, 66, missing.stderr)
    const compiled = join(home.cacheDir, 'compiled')
    if (process.platform !== 'win32') assert.equal((await stat(compiled)).mode & 0o777, 0o700)
    assert.deepEqual(await readdir(temp), [])
    const script = (await readdir(compiled, {recursive: true})).filter((name) => /cgpu-[0-9a-f]{32}$/.test(name)).map((name) => join(compiled, name))
    assert.equal(script.length, 1)
    const [path = ''] = script
    const whole = await readFile(path)
    // all of its functions
    assert.ok(whole.length > 150_000, `${whole.length}`)
    const flipped = Buffer.from(whole)
    flipped[whole.length >> 1]! ^= 1
    for (const spoiled of [Buffer.alloc(0), flipped, whole.subarray(0, -100)]) {
      await writeFile(path, spoiled)
      assert.deepEqual(await started('exec', '1'), missing)
      assert.ok((await readFile(path)).length > 150_000)
    }
  })

  it('for the background emulator loads its bundle and nothing else', async () => {
    const file = join(home.path, 'emulator-modules.json')
    // both processes count; the emulator ends last
    const started = await cgpu(['emulator', 'start'], {home, env: {NODE_OPTIONS: `--import=${counter}`, CGPU_TEST_MODULES: file}})
    const stopped = await cgpu(['emulator', 'stop'], {home})
    assert.deepEqual([started.status, stopped.status], [0, 0], started.stderr + stopped.stderr)
    const loaded = await inRepo(file)
    assert.ok(loaded.includes('packages/emulator/dist/fast/process.js'))
    assert.deepEqual(loaded.filter((url) => !url.startsWith('packages/emulator/dist/fast/')), [])
  })
})

// cgpu as it is published to npm: without the plugins that it fetches when they are first used.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import {type CliResult, envelope, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {knowTestPython} from '../helpers/known-python.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'

interface Packed {
  name: string
  version: string
  file: string
  integrity: string
}
interface Part {
  name: string
  version: string
  pjson: Record<string, unknown>
  path: string
}
/** The scripts have no types. */
const script = async <T>(name: string): Promise<T> => (await import(pathToFileURL(join(repoRoot, 'scripts/pack', name)).href)) as T

describe('cgpu from npm', function () {
  this.timeout(180_000)
  let registry: TestRegistry
  let home: SealedHome
  let packed: Packed[]
  let bin: string
  before(async function () {
    if (process.platform === 'win32') this.skip() // npm puts a .cmd there, which wants a shell
    registry = await startRegistry()
    home = await sealedHome()
    const folder = join(home.path, 'packed')
    const [{packForNpm}, {closure}, {packageEntries}, {tarball}] = await Promise.all([
      script<{packForNpm: (folder: string, options: {level: number}) => Promise<Packed[]>}>('npm.mjs'),
      script<{closure: (target: string, options: {without: string[]}) => Part[]}>('closure.mjs'),
      script<{packageEntries: (one: Part, all: Part[]) => object[]}>('layout.mjs'),
      script<{tarball: (entries: object[], options: {seconds: number; level: number}) => Buffer}>('tar.mjs'),
    ])
    packed = await packForNpm(folder, {level: 0})
    const plugins = packed.filter(({name}) => name.startsWith('@cgpu/plugin-') && name !== '@cgpu/plugin-sdk').map(({name}) => name)
    for (const part of closure(`${process.platform}-${process.arch}`, {without: [...plugins, '@cgpu/emulator']})) {
      if (part.name.startsWith('@cgpu/')) continue
      // npm itself, half of all files, is for plugins that do not bring what they depend on
      const entries = part.name === 'npm' ? [{path: 'package/package.json', bytes: () => Buffer.from(JSON.stringify({name: 'npm', version: part.version}))}] : packageEntries({...part, path: 'package'}, [])
      registry.publish({...part, pjson: part.name === 'npm' ? {} : part.pjson, tarball: tarball(entries, {seconds: 0, level: 0})})
    }
    for (const {name, version, file} of packed) {
      const bytes = readFileSync(join(folder, file))
      registry.publish({name, version, tarball: bytes, pjson: pjsonIn(bytes), signed: false})
    }
    const prefix = join(home.path, 'prefix')
    mkdirSync(prefix)
    writeFileSync(join(prefix, 'package.json'), '{"private": true}')
    const npm = join(dirname(createRequire(join(repoRoot, 'packages/plugins/package.json')).resolve('npm/package.json')), 'bin/npm-cli.js')
    await promisify(execFile)(process.execPath, [npm, 'install', '@cgpu/cli', `--registry=${registry.url}`, `--cache=${join(home.path, 'npm')}`, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {cwd: prefix, env: home.env})
    bin = join(prefix, 'node_modules/.bin/cgpu')
    registry.requests.length = 0
  })
  after(async () => {
    await registry?.stop()
    await home?.remove()
  })

  const run = (args: string[]): Promise<CliResult> => new Promise((resolve) => {
    execFile(bin, args, {env: {...home.env, CGPU_NPM_REGISTRY: registry.url, CGPU_PYTHON: testPython}, cwd: home.cwd}, (error, stdout, stderr) => {
      resolve({status: error ? Number(error.code) : 0, signal: null, stdout, stderr, bytes: Buffer.from(stdout)})
    })
  })
  const pinned = (): Packed => packed.find(({name}) => name === '@cgpu/plugin-notebook') ?? assert.fail()

  it('comes without them, and pins the checksum of each', () => {
    const modules = join(home.path, 'prefix/node_modules/@cgpu')
    const pjson = JSON.parse(readFileSync(join(modules, 'cli/package.json'), 'utf8')) as {cgpu: {jitPlugins: Record<string, {version: string; integrity: string}>}; oclif: {plugins: string[]}} // ours
    assert.deepEqual(pjson.oclif.plugins, ['@oclif/plugin-which'])
    for (const [name, {version, integrity}] of Object.entries(pjson.cgpu.jitPlugins)) {
      assert.deepEqual(packed.filter((one) => one.name === name).map((one) => [one.version, one.integrity]), [[version, integrity]])
      assert.equal(existsSync(join(modules, name.slice('@cgpu/'.length))), false, name)
    }
  })

  it('lists their commands, says that they come later, and fetches nothing for that', async () => {
    const help = await run(['help'])
    assert.match(help.stdout.replaceAll(/\s+/g, ' '), /notebook run notebooks on a runtime \(fetched at first use\)/)
    assert.match((await run(['notebook', 'run', '--help'])).stdout, /\(fetched at first use\)[^]*cgpu notebook run/)
    assert.match((await run(['notebook', 'rnu'])).stderr, /did you mean "cgpu notebook run"\?/)
    const answer = async (shell: string, ...words: string[]): Promise<string> => (await run(['__complete', shell, ...words])).stdout
    for (const [shell, words] of [['bash', ['cgpu note']], ['zsh', ['note']], ['fish', ['note']], ['powershell', [Buffer.from('note').toString('base64')]]] as const) {
      const lines = await answer(shell, ...(shell === 'bash' ? [' '] : []), ...words)
      // bash shows names alone
      assert.match(lines, shell === 'bash' ? /^notebook$/m : /^notebook\t.*\(fetched at first use\)$/m, shell)
    }
    assert.match(await answer('fish', 'notebook', 'run', '--par'), /--parameters/)
    assert.deepEqual(registry.requests, [])
  })

  it('takes no other plugin than the one that was released with it', async () => {
    registry.corrupt = true
    const refused = await run(['notebook', 'diff', 'a.ipynb', 'b.ipynb', '--json'])
    registry.corrupt = false
    assert.deepEqual([refused.status, envelope(refused).error.category], [65, 'plugin'], refused.stdout)
    assert.equal(existsSync(join(home.dataDir, 'plugins.lock.json')), false)
  })

  it('fetches one at its first use, asks for nothing else, and then has it', async () => {
    const cells = (source: string): string => JSON.stringify({cells: [{id: 'a', cell_type: 'code', metadata: {}, outputs: [], execution_count: null, source}], metadata: {}, nbformat: 4, nbformat_minor: 5})
    writeFileSync(join(home.cwd, 'a.ipynb'), cells('x = 1'))
    writeFileSync(join(home.cwd, 'b.ipynb'), cells('x = 2'))
    registry.requests.length = 0
    const first = await run(['notebook', 'diff', 'a.ipynb', 'b.ipynb'])
    const {name, version, integrity} = pinned()
    assert.match(first.stdout, /x = 2/, first.stderr)
    assert.match(first.stderr, new RegExp(`^fetching ${name} ${version}, for cgpu `, 'm'))
    assert.deepEqual(registry.requests.filter((one) => !one.includes(name) && !one.startsWith('GET /-/') && !one.startsWith('GET /downloads')), [])
    registry.requests.length = 0
    const again = await run(['notebook', 'diff', 'a.ipynb', 'b.ipynb'])
    assert.deepEqual([again.status, again.stdout, again.stderr, registry.requests], [first.status, first.stdout, '', []])
    const {plugins} = JSON.parse(readFileSync(join(home.dataDir, 'plugins.lock.json'), 'utf8')) as {plugins: Record<string, {integrity: string; dependencies: object}>} // cgpu's own
    assert.deepEqual([plugins[name]?.integrity, plugins[name]?.dependencies], [integrity, {}])
    assert.doesNotMatch((await run(['notebook', '--help'])).stdout, /fetched at first use/)
    assert.doesNotMatch((await run(['__complete', 'zsh', 'note'])).stdout, /fetched at first use/)
  })

  it('runs notebooks with what it fetched', async () => {
    await knowTestPython(home)
    const cell = {id: 'a', cell_type: 'code', metadata: {}, outputs: [], execution_count: null}
    writeFileSync(join(home.cwd, 'sum.ipynb'), JSON.stringify({cells: [{...cell, metadata: {tags: ['parameters']}, source: 'a = 1'}, {...cell, id: 'b', source: 'print(a + 1)'}], metadata: {}, nbformat: 4, nbformat_minor: 5}))
    const made = await run(['runtime', 'create', '--name', 'desk'])
    assert.equal(made.status, 0, made.stderr)
    try {
      const done = await run(['notebook', 'run', 'sum.ipynb', '-p', 'a', '41', '--runtime', 'desk', '-o', '-'])
      assert.equal(done.status, 0, done.stderr)
      const {cells} = JSON.parse(done.stdout) as {cells: {outputs: {text?: string[]}[]}[]} // a notebook
      assert.deepEqual(cells.at(-1)?.outputs.map(({text}) => text), [['42\n']])
    } finally {
      assert.equal((await run(['stop', '--all', '--yes'])).status, 0)
    }
  })
})

/** The package.json of a tarball that is not compressed. */
function pjsonIn(bytes: Buffer): Record<string, unknown> {
  const tar = process.getBuiltinModule('node:zlib').gunzipSync(bytes)
  for (let at = 0; at < tar.length;) {
    const path = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '')
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8)
    if (path === 'package/package.json') return JSON.parse(tar.toString('utf8', at + 512, at + 512 + size)) as Record<string, unknown> // a package's
    at += 512 + Math.ceil(size / 512) * 512
  }
  return assert.fail('there is no package.json')
}

// What is loaded, which does not depend on how busy a machine is: see shell-startup.test.ts.
import assert from 'node:assert/strict'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join, relative} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {runInThisContext} from 'node:vm'
import type * as Sdk from '@cgpu/plugin-sdk'
import {makeIndex} from '@cgpu/plugins/install/make-index'
import {indexPath} from '@cgpu/plugins/install/plugin-index'
import {type CliResult, cgpu, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {writePlugin} from '../helpers/plugin-folder.ts'
import type {PluginPackage} from '../helpers/plugin-package.ts'

const counter = pathToFileURL(join(repoRoot, 'test/helpers/count-modules.mjs')).href

describe('starting with plugins', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
    mkdirSync(home.dataDir)
    use(quiet)
  })
  after(() => home.remove())
  const folderOf = (name: string): string => join(home.path, 'plugins', name)

  /** Links plugins as if they were there for a while. */
  function use(...plugins: PluginPackage[]): void {
    for (const plugin of plugins) writePlugin(folderOf(plugin.name), plugin)
    writeFileSync(join(home.dataDir, 'package.json'), JSON.stringify({oclif: {plugins: plugins.map(({name}) => ({type: 'link', name, root: folderOf(name)}))}}))
    makeIndex(home.dataDir, Date.now() + 10_000)
  }

  /** The command's result, and what it loaded: files of plugins by `plugin/file`, those of cgpu from its root. */
  async function started(...args: string[]): Promise<CliResult & {loaded: string[]; theirs: string[]}> {
    const file = join(home.path, 'modules.json')
    const result = await cgpu(args, {home, nodeArgs: ['--import', counter], env: {CGPU_TEST_MODULES: file}})
    const loaded = (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((url) => fileURLToPath(url)) // count-modules.mjs wrote it
    const [here, there] = [join(home.path, 'plugins'), (path: string) => path.startsWith(home.path)]
    return {...result, loaded: loaded.filter((path) => !there(path)).map((path) => relative(repoRoot, path)), theirs: loaded.filter(there).map((path) => relative(here, path))}
  }
  const outsideOfBundle = (loaded: string[]): string[] => loaded.filter((path) => path !== 'bin/run.js' && !path.startsWith(join('packages/cli/dist/fast/')))

  const quiet: PluginPackage = {name: 'x-quiet', hooks: {'execution:before': '', 'execution:after': '', 'job:ended': ''}}
  const provider: PluginPackage = {
    name: 'x-provider', commands: {}, hooks: {'provider:register': ''},
    files: {'dist/hook-provider-register.js': 'import {defineProvider, errors} from "@cgpu/plugin-sdk"\nexport default defineProvider("mine", () => { throw errors.quota("all are taken", {code: "TAKEN", fix: "wait"}) })\n'},
  }

  it('loads none of them for --version', async () => {
    const {loaded, theirs} = await started('--version')
    assert.deepEqual([loaded, theirs], [[join('bin/run.js')], []])
  })

  it('loads none of them for a command that asks none, and no more of cgpu than without', async () => {
    const {status, stderr, loaded, theirs} = await started('runtime', 'list')
    assert.deepEqual([status, outsideOfBundle(loaded), theirs], [0, [], []], stderr)
    assert.ok(loaded.length <= 14, loaded.join(' '))
  })

  it('loads of one that is asked its file of that hook, with the SDK that is there already', async () => {
    use(quiet, provider)
    const {status, stderr, loaded, theirs} = await started('runtime', 'list')
    assert.deepEqual([status, outsideOfBundle(loaded), theirs], [0, [], [join('x-provider/dist/hook-provider-register.js')]], stderr)
    assert.ok(loaded.length <= 16, loaded.join(' '))
    const created = await cgpu(['runtime', 'create', '--provider', 'mine'], {home})
    assert.deepEqual([created.status, created.stderr], [68, 'error: all are taken\nfix: wait\n'])
  })

  it('finds their commands, also behind a name of cgpu\'s, but never in the place of one', async () => {
    const shadow = {aliases: ['ps', 'runtime:list'], args: {}, flags: {}, hiddenAliases: [], pluginName: 'x-shadow', pluginType: 'core', strict: true, isESM: true, relativePath: ['dist', 'commands', 'shadow.js']}
    use(quiet, {name: 'x-longer', commands: {'runtime:show:all': 'this.log("longer")'}}, {
      name: 'x-shadow', commands: {shadow: 'this.log("shadow")'}, manifest: {version: '1.0.0', commands: {shadow: {...shadow, id: 'shadow'}}},
    })
    const said = await Promise.all([['runtime', 'show', 'all'], ['hello']].map(async (args) => (await cgpu(args, {home})).stdout))
    assert.deepEqual(said, ['longer\n', 'hello\n'])
    const listed = await started('ps')
    assert.deepEqual([listed.status, listed.stdout, outsideOfBundle(listed.loaded)], [0, '', []], listed.stderr)
  })

  it('sees at once what changed, and does without a broken index', async () => {
    use(quiet)
    const changed = {name: 'x-quiet', hooks: {'provider:register': 'throw new Error("changed")'}}
    writePlugin(folderOf('x-quiet'), changed)
    assert.match((await cgpu(['runtime', 'list'], {home})).stderr, /^warning: plugin x-quiet failed in provider:register: changed$/m)
    writeFileSync(indexPath(home.dataDir), '{"plugins":')
    assert.match((await cgpu(['runtime', 'list'], {home})).stderr, /failed in provider:register: changed$/m)
    writeFileSync(join(home.dataDir, 'package.json'), JSON.stringify({oclif: {plugins: []}}))
    assert.doesNotMatch((await cgpu(['runtime', 'list'], {home})).stderr, /warning/)
  })

  it('calls hooks as oclif does, whatever module they are', async () => {
    const log = join(home.path, 'called')
    const note = (what: string): string => `require('node:fs').appendFileSync(${JSON.stringify(log)}, ${JSON.stringify(`${what} `)} + typeof this.log + ' ' + options.config.version + ' ' + options.contract + '\\n')`
    use({
      name: 'x-common', commands: {},
      pjson: {type: 'commonjs', oclif: {hooks: {'provider:register': ['./compiled', {target: './named.cjs', identifier: 'second'}, {target: './named.cjs', identifier: 'third'}]}}},
      files: {
        'compiled.js': `exports.__esModule = true; exports.default = async function (options) { ${note('default')} }`,
        'named.cjs': `exports.first = () => { throw new Error('not asked') }; exports.second = async function (options) { ${note('second')} }`,
      },
    })
    const short = await cgpu(['runtime', 'list'], {home})
    const calls = readFileSync(log, 'utf8')
    assert.match(calls, /^default function \S+ 1\nsecond function \S+ 1\n$/)
    writeFileSync(log, '')
    const long = await cgpu(['runtime', 'list'], {home, env: {CGPU_NO_FASTPATH: '1'}})
    assert.deepEqual([readFileSync(log, 'utf8'), long.stderr, long.status], [calls, short.stderr, short.status])
  })

  it('gives hooks around a quick exec the whole SDK, though most of it is loaded only when it is used', async () => {
    const sdkOf = async (file: string) => (await import(pathToFileURL(join(repoRoot, 'packages/cli/dist', file)).href)) as typeof Sdk
    // as bin/run.js and the quick exec do it
    const path = join(repoRoot, 'packages/cli/dist/fast-exec/hooks.js')
    const script = runInThisContext(readFileSync(path, 'latin1'), {filename: path}) as (url: string, resolve: (name: string) => string, load: () => never, module: object) => unknown
    Object.assign(globalThis, {[Symbol.for('cgpu.sdk-beside-hooks')]: script(pathToFileURL(path).href, (name) => import.meta.resolve(name), () => assert.fail(), {})})
    const [quick, whole] = [await sdkOf('fast-parts/sdk.js'), await sdkOf('fast/sdk.js')]
    assert.deepEqual(Object.keys(quick), Object.keys(whole))
    assert.deepEqual(Object.keys({...quick.globalFlags}), Object.keys(whole.globalFlags))
    const made = class extends quick.CgpuCommand {
      async run(): Promise<void> {}
    }
    assert.ok(made.prototype instanceof whole.CgpuCommand)
    assert.equal(made.baseFlags, whole.CgpuCommand.baseFlags)
    assert.ok(quick.errors.vetoed('no', {code: 'NO'}) instanceof whole.CgpuError)
    assert.deepEqual([quick.parseTimeLimit('5s'), quick.closest('rnu', ['run'])], [5000, whole.closest('rnu', ['run'])])
    for (const name of ['cgpu', 'computer'] as const) assert.deepEqual([Object.keys(quick[name]), typeof Object.values(quick[name])[0]], [Object.keys(whole[name]), typeof Object.values(whole[name])[0]])
    // what is loaded later throws errors of its own
    assert.throws(() => quick.parseTimeLimit('never'), (error) => error instanceof quick.CgpuError)
  })

  it('calls oclif\'s own hooks, for which it loads them all', async () => {
    use({name: 'x-around', hooks: {prerun: 'process.stderr.write("before it\\n")'}})
    assert.match((await cgpu(['runtime', 'list'], {home})).stderr, /^before it$/m)
  })
})

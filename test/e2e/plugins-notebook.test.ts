// The notebook plugin as one that a user installs, in a cgpu that comes without it.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs'
import {join, relative} from 'node:path'
import {type CliResult, envelope, repoRoot} from '../helpers/cli.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'
import {packed} from '../helpers/tarball.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

const name = '@cgpu/plugin-notebook'
const folder = join(repoRoot, 'plugins/notebook')
/** Of its dependencies those that a run loads; the others would be as many packages again. */
const loaded = ['yaml', 'zod']

type Manifest = {version: string; dependencies?: Record<string, string>} & Record<string, unknown>

const manifestOf = (at: string): Manifest => JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as Manifest // ours, or of what pnpm installed

/** What npm would pack, without what nobody runs. */
function filesOf(at: string, within = at): Record<string, string> {
  return Object.fromEntries(readdirSync(within, {withFileTypes: true}).flatMap((entry): [string, string][] => {
    const path = join(within, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'src' ? [] : Object.entries(filesOf(at, path))
    const keep = /\.(c?js|json)$/.test(entry.name) && !/\.test\.|tsconfig|tsbuildinfo/.test(entry.name)
    return keep ? [[relative(at, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')]] : []
  }))
}

describe('the notebook plugin, installed', function () {
  this.timeout(120_000)
  let registry: TestRegistry
  let bench: Workbench
  let root: string
  before(async () => {
    registry = await startRegistry()
    bench = await workbench()
    bench.onRemove(() => registry.stop())
    bench.home.env['CGPU_NPM_REGISTRY'] = registry.url
    bench.home.env['CGPU_NO_FASTPATH'] = '1' // the bundle of the repository has the plugin's commands
    for (const one of loaded) {
      const at = realpathSync(join(folder, 'node_modules', one))
      const own = manifestOf(at)
      registry.publish({name: one, version: own.version, pjson: own, tarball: packed(filesOf(at))})
    }
    const pjson = manifestOf(folder)
    const dependencies = {'@cgpu/plugin-sdk': pjson.version, ...Object.fromEntries(Object.entries(pjson.dependencies ?? {}).filter(([one]) => loaded.includes(one) || one === '@oclif/core'))}
    const published = {...pjson, dependencies}
    registry.publish({name, version: pjson.version, pjson: published, tarball: packed({...filesOf(folder), 'package.json': JSON.stringify(published)})})
    root = join(bench.home.path, 'cgpu')
    mkdirSync(root)
    cpSync(join(repoRoot, 'bin'), join(root, 'bin'), {recursive: true})
    for (const one of ['packages', 'node_modules', 'oclif.manifest.json']) symlinkSync(join(repoRoot, one), join(root, one))
    const own = manifestOf(repoRoot) as Manifest & {oclif: {plugins: string[]}} // ours
    const plugins = own.oclif.plugins.filter((one) => one !== name)
    writeFileSync(join(root, 'package.json'), JSON.stringify({...own, cgpu: {}, oclif: {...own.oclif, plugins}}))
    await bench.file('sum.ipynb', JSON.stringify({
      cells: [
        {cell_type: 'code', metadata: {tags: ['parameters']}, source: 'a = 1', outputs: [], execution_count: null},
        {cell_type: 'code', metadata: {}, source: 'print(a + 1)', outputs: [], execution_count: null},
      ],
      metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4,
    }))
  })
  after(() => bench.remove())

  const run = (...args: string[]): Promise<CliResult> => new Promise((resolve) => {
    execFile(process.execPath, ['--', join(root, 'bin/run.js'), ...args], {env: bench.home.env, cwd: bench.home.cwd}, (error, stdout, stderr) => {
      resolve({status: error ? Number(error.code) : 0, signal: null, stdout, stderr, bytes: Buffer.from(stdout)})
    })
  })

  it('is not there before', async () => {
    assert.equal((await run('nb', 'params', 'sum.ipynb')).status, 127)
  })

  it('is refused while it is not trusted, in one message', async () => {
    const installed = await run('plugins', 'install', name, '--yes')
    assert.deepEqual([installed.status, installed.stdout], [0, `installed ${name} ${manifestOf(folder).version}, untrusted\n`], installed.stderr)
    const accepted = await run('plugins', 'trust', name, '--accept-network', '--yes')
    assert.equal(accepted.status, 0, accepted.stderr)
    const refused = await run('notebook', 'run', 'sum.ipynb')
    assert.equal(refused.stderr, `error: ${name} works with notebooks only when it is trusted\nfix: cgpu plugins trust ${name}\n`)
    assert.deepEqual([refused.status, refused.stdout], [75, ''])
  })

  it('runs a notebook once it is trusted', async () => {
    const trusted = await run('plugins', 'trust', name, '--yes')
    assert.equal(trusted.status, 0, trusted.stderr)
    assert.equal((await run('runtime', 'create', '--name', 'here')).status, 0)
    const done = envelope<{exitStatus: number; parameters: object}>(await run('notebook', 'run', 'sum.ipynb', '-p', 'a', '41', '--json'))
    assert.ok(done.ok, JSON.stringify(done))
    assert.deepEqual([done.data.exitStatus, done.data.parameters], [0, {a: 41}])
    assert.match(readFileSync(join(bench.home.cwd, 'sum.out.ipynb'), 'utf8'), /"42\\n"/)
  })
})

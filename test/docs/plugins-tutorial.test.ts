// docs/plugins.md, typed as it stands there: a plugin is written, tested, published, installed, trusted, updated and removed.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {writeNpm} from '../helpers/authors-npm.ts'
import {cgpu, cgpuBin, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {type PageScript, scriptsOf} from '../helpers/pages.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'

const plugin = 'cgpu-plugin-hello'

describe('the tutorial of plugins', function () {
  this.timeout(120_000)
  let home: SealedHome
  let registry: TestRegistry
  const left: PageScript[] = scriptsOf('docs/plugins.md', 'run with a registry')
  before(async () => {
    registry = await startRegistry()
    home = await sealedHome()
    const bin = join(home.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`, {mode: 0o755})
    writeNpm(bin)
    // as `npm login` leaves it; cgpu reads it too
    writeFileSync(join(home.path, '.npmrc'), `registry=${registry.url}\n${registry.url.replace('http:', '')}:_authToken=mine\nupdate-notifier=false\n`)
    Object.assign(home.env, {PATH: `${bin}:${home.env['PATH']}`, CGPU_PYTHON: testPython})
  })
  after(async () => {
    await cgpu(['stop', '--all', '--yes'], {home})
    await registry.stop()
    await home.remove()
  })
  const run = (...args: string[]) => cgpu(args, {home})

  /** Types the page's next block, which stands under this heading. */
  async function follow(heading: string): Promise<string> {
    const next = left.shift()
    assert.equal(next?.heading, heading)
    const made = join(home.cwd, plugin)
    const {stdout} = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', next?.script ?? ''], {env: home.env, cwd: existsSync(made) ? made : home.cwd})
    return stdout
  }
  const state = async (): Promise<unknown[]> => {
    const {data} = envelope<{name: string; version: string; state: string; granted: {use: string}[]}[]>(await run('plugins', 'list', '--json'))
    return data.map(({name, version, state: level, granted}) => [name, version, level, ...granted.map(({use}) => use)])
  }

  it('makes a plugin that builds and passes its own tests', async () => {
    assert.match(await follow('Write one in ten minutes'), /^ℹ fail 0$/m)
  })

  it('adds a command with a test', async () => {
    assert.match(await follow('A command'), /^oclif\.manifest\.json: hello cores, hello greet$[\s\S]*^ℹ pass 1$/m)
  })

  it('publishes it', async () => {
    assert.match(await follow('Publish it'), /^it can be published/m)
  })

  it('installs it, and it runs in the sandbox', async () => {
    await run('runtime', 'create', '--name', 'here')
    const asked = await run('plugins', 'install', plugin)
    assert.deepEqual([asked.status, /^needs +kernel: .*\(tells programs the id of their run\)$/m.test(asked.stderr)], [64, true], asked.stderr)
    await follow('Use it as others will')
    assert.deepEqual(await state(), [[plugin, '0.1.0', 'untrusted', 'kernel']])
  })

  it('trusts it, and it does the same', async () => {
    await follow('Use it as others will')
    assert.deepEqual(await state(), [[plugin, '0.1.0', 'trusted', 'kernel']])
  })

  it('publishes a version that asks for more, and is asked about again', async () => {
    await follow('A new version')
    const asked = await run('plugins', 'update')
    assert.equal(asked.status, 64)
    assert.match(asked.stderr, /asks for more: runtimes: sees your runtimes/)
    assert.deepEqual(await state(), [[plugin, '0.1.0', 'trusted', 'kernel']])
  })

  it('updates and removes it, and nothing is left', async () => {
    assert.match(await follow('A new version'), /^updated cgpu-plugin-hello 0\.1\.0 to 0\.2\.0\nremoved cgpu-plugin-hello 0\.2\.0$/m)
    assert.deepEqual(left, [])
    assert.deepEqual(await state(), [])
    assert.equal((await run('hello', 'greet', 'world')).status, 127)
    assert.deepEqual(readdirSync(join(home.dataDir, 'plugins')).filter((name) => !name.startsWith('.')), [])
    for (const file of ['plugin-trust.json', 'plugins.lock.json']) assert.doesNotMatch(readFileSync(join(home.dataDir, file), 'utf8'), /hello/)
  })
})

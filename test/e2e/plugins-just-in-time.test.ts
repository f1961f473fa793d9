// Plugins of cgpu's own that are fetched when they are first used, as cgpu.jitPlugins of its package.json pins them.
import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {execFile} from 'node:child_process'
import {cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {cgpu, type CliResult, envelope, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {pluginPackage} from '../helpers/plugin-package.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'
import {packed} from '../helpers/tarball.ts'

const name = '@cgpu/plugin-late'

describe('a plugin of cgpu\'s own that is not here yet', function () {
  this.timeout(60_000)
  let registry: TestRegistry
  let home: SealedHome
  let root: string
  before(async () => {
    registry = await startRegistry()
    home = await sealedHome()
    // this cgpu, with another package.json
    root = join(home.path, 'cgpu')
    mkdirSync(root)
    cpSync(join(repoRoot, 'bin'), join(root, 'bin'), {recursive: true})
    for (const folder of ['packages', 'node_modules', 'plugins', 'oclif.manifest.json']) symlinkSync(join(repoRoot, folder), join(root, folder))
  })
  after(async () => {
    await registry.stop()
    await home.remove()
  })

  const tarball = (version: string, said: string): Buffer => {
    const {files, pjson} = pluginPackage({name, version, commands: {'late:hello': `this.log('${said}'); return {said: '${said}'}`}})
    return packed({'package.json': JSON.stringify({name, version, ...pjson}), ...files})
  }
  function publish(version: string, said: string, signed = true): string {
    const {pjson} = pluginPackage({name, version})
    const bytes = tarball(version, said)
    registry.publish({name, version, tarball: bytes, pjson: pjson ?? {}, signed})
    return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  }
  function pin(pinned: object): void {
    const pjson = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as object // ours
    writeFileSync(join(root, 'package.json'), JSON.stringify({...pjson, cgpu: {jitPlugins: {[name]: {commands: ['late'], ...pinned}}}}))
  }
  const run = (args: string[], env: Record<string, string> = {}): Promise<CliResult> => new Promise((resolve) => {
    execFile(process.execPath, ['--', join(root, 'bin/run.js'), ...args], {env: {...home.env, CGPU_NPM_REGISTRY: registry.url, ...env}, cwd: home.cwd}, (error, stdout, stderr) => {
      resolve({status: error ? Number(error.code) : 0, signal: null, stdout, stderr, bytes: Buffer.from(stdout)})
    })
  })

  it('is one clear error without the network, and leaves nothing', async () => {
    pin({version: '1.0.0'})
    registry.down = true
    const failed = await run(['late', 'hello', '--json'])
    registry.down = false
    const {error} = envelope(failed)
    assert.deepEqual([failed.status, error.code, error.retryable, failed.stderr], [69, 'PLUGIN_UNAVAILABLE', true, ''])
    assert.match(error.message, /^cgpu late is a plugin of cgpu's own, and cannot be fetched: /)
    assert.match(error.fix ?? '', /^connect to the network and try again/)
    assert.equal(existsSync(join(home.dataDir, 'plugins.lock.json')), false)
  })

  it('is refused when it is not what was pinned, by its signature or its checksum', async () => {
    publish('1.0.0', 'forged', false)
    for (const pinned of [{version: '1.0.0'}, {version: '1.0.0', integrity: 'sha512-AAAA'}]) {
      pin(pinned)
      const refused = await run(['late', 'hello', '--json'])
      assert.deepEqual([refused.status, envelope(refused).error.code], [65, 'PLUGIN_INTEGRITY'], refused.stdout)
    }
    assert.equal(existsSync(join(home.dataDir, 'plugins.lock.json')), false)
  })

  it('is fetched by its first use, which then is as any other', async () => {
    pin({version: '1.1.0', integrity: publish('1.1.0', 'one', false)})
    const first = await run(['late', 'hello', '--json'])
    assert.deepEqual([envelope<object>(first).data, envelope(first).warnings, first.stderr], [{said: 'one'}, [], ''])
    registry.down = true
    const again = await run(['late', 'hello'])
    registry.down = false
    assert.deepEqual([again.status, again.stdout, again.stderr], [0, 'one\n', ''])
    const [listed] = envelope<{name: string; version: string; state: string}[]>(await run(['plugins', 'list', '--json'])).data
    assert.deepEqual([listed?.name, listed?.version, listed?.state], [name, '1.1.0', 'trusted'])
  })

  it('follows the cgpu that wants another version, and stays where that cannot be fetched', async () => {
    publish('1.2.0', 'two')
    pin({version: '1.2.0'})
    registry.down = true
    const stays = await run(['late', 'hello'])
    registry.down = false
    assert.deepEqual([stays.status, stays.stdout], [0, 'one\n'], stays.stderr)
    assert.match(stays.stderr, /^warning: @cgpu\/plugin-late stays 1\.1\.0, as 1\.2\.0 cannot be fetched: /m)
    const follows = await run(['late', 'hello'])
    assert.deepEqual([follows.stdout, follows.stderr], ['two\n', `fetching ${name} 1.2.0, for cgpu late (once)\n`])
  })

  it('may be installed ahead, and is trusted as the one that was released with cgpu, not as another', async () => {
    publish('1.3.0', 'three')
    await run(['plugins', 'uninstall', name])
    const install = async (spec: string): Promise<unknown[]> => {
      const {plugin} = envelope<{plugin: {version: string; state: string}}>(await run(['plugins', 'install', spec, '--yes', '--json'])).data
      return [plugin.version, plugin.state]
    }
    assert.deepEqual(await install(`${name}@1.3.0`), ['1.3.0', 'untrusted'])
    assert.deepEqual(await install(name), ['1.2.0', 'trusted'])
    const policy = join(home.path, 'policy.json')
    writeFileSync(policy, '{"version": 1, "allow": ["@acme/*"]}')
    const refused = await run(['late', 'hello', '--json'], {CGPU_PLUGIN_POLICY: policy})
    assert.deepEqual([refused.status, envelope(refused).error.code], [75, 'PLUGIN_POLICY'])
  })

  it('is not in the way of others, and nobody takes its commands', async () => {
    const requests = registry.requests.length
    assert.equal((await run(['nothing', 'hello'])).status, 127)
    assert.equal((await run(['version'])).status, 0)
    assert.equal(registry.requests.length, requests)
    registry.publish(pluginPackage({name: 'x-late', commands: {'late:more': ''}}))
    const taken = await run(['plugins', 'install', 'x-late', '--yes', '--json'])
    assert.deepEqual([taken.status, envelope(taken).error.code], [72, 'PLUGIN_SHADOWS'])
  })

  it('comes along with this cgpu, all of them', async () => {
    const {cgpu: {jitPlugins}, dependencies, oclif} = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as {cgpu: {jitPlugins: Record<string, {version: string}>}; dependencies: Record<string, string>; oclif: {plugins: string[]}} // ours
    assert.deepEqual(Object.keys(jitPlugins), oclif.plugins.filter((one) => one.startsWith('@cgpu/')))
    for (const [one, {version}] of Object.entries(jitPlugins)) {
      const {version: here} = JSON.parse(readFileSync(join(repoRoot, 'node_modules', one, 'package.json'), 'utf8')) as {version: string} // ours
      assert.deepEqual([one in dependencies, oclif.plugins.includes(one), here], [true, true, version], one)
    }
    const {status, stderr} = await cgpu(['emulator', '--help'], {home, env: {CGPU_NPM_REGISTRY: 'http://127.0.0.1:1/'}})
    assert.deepEqual([status, stderr], [0, ''])
  })
})

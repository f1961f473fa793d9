import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import type {AddressInfo, Socket} from 'node:net'
import {join} from 'node:path'
import {cgpu, envelope, sealedHome, type SealedHome, startCgpu} from '../helpers/cli.ts'
import {pluginPackage} from '../helpers/plugin-package.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'
import {testSigstore} from '../helpers/sigstore.ts'

describe('installing plugins', function () {
  this.timeout(90_000)
  let registry: TestRegistry
  let home: SealedHome
  before(async () => {
    registry = await startRegistry()
    registry.publish(pluginPackage({name: 'cgpu-plugin-hello'}))
  })
  after(() => registry.stop())
  beforeEach(async () => {
    home = await sealedHome()
    Object.assign(home.env, {CGPU_NPM_REGISTRY: registry.url})
  })
  afterEach(() => home.remove())
  const run = (...args: string[]) => cgpu(args, {home})

  it('from the registry: shown, agreed to, kept apart until it is trusted, run, removed', async () => {
    const unasked = await run('plugins', 'install', 'cgpu-plugin-hello')
    assert.equal(unasked.status, 64, unasked.stderr)
    assert.match(unasked.stderr, /^published +\S.* \(2026-01-02\) by alice$/m)
    assert.match(unasked.stderr, /^signature +signed by the registry$/m)
    assert.deepEqual(readdirSync(join(home.dataDir, 'plugins')), [])

    const installed = await run('plugins', 'install', 'cgpu-plugin-hello', '--yes')
    assert.deepEqual([installed.status, installed.stdout], [0, 'installed cgpu-plugin-hello 1.0.0, untrusted\n'], installed.stderr)
    const lock = readFileSync(join(home.dataDir, 'plugins.lock.json'), 'utf8')
    assert.match(lock, /sha512-/)
    assert.equal(lock.includes('127.0.0.1'), false)

    assert.match((await run('hello', '--help')).stdout, /says hello/)
    // in its sandbox
    assert.equal((await run('plugins', 'trust', 'cgpu-plugin-hello', '--accept-network', '--yes')).status, 0)
    assert.deepEqual(envelope(await run('hello', '--json')), {schema: 1, ok: true, command: 'hello', data: {said: 'hello'}, warnings: []})
    assert.match((await run('plugins', 'inspect', 'cgpu-plugin-hello')).stdout, /^state +untrusted$[^]*^sandbox +cannot: writes files \(Node's permission model/m)

    assert.equal((await run('plugins', 'trust', 'cgpu-plugin-hello', '--yes')).status, 0)
    assert.deepEqual(envelope(await run('hello', '--json')), {schema: 1, ok: true, command: 'hello', data: {said: 'hello'}, warnings: []})
    const [listed] = envelope<{name: string; state: string}[]>(await run('plugins', 'list', '--json')).data
    assert.deepEqual([listed?.name, listed?.state], ['cgpu-plugin-hello', 'trusted'])

    assert.equal((await run('plugins', 'uninstall', 'cgpu-plugin-hello')).status, 0)
    assert.equal((await run('hello')).status, 127)
    assert.deepEqual(readdirSync(join(home.dataDir, 'plugins')), [])
    assert.equal(existsSync(join(home.dataDir, 'state', 'runtimes')), false)
  })

  it('shows no password of an address', async () => {
    for (const args of [['plugins', 'install', 'git+https://me:secret@127.0.0.1:9/x.git'], ['plugins', 'info', 'x', '--registry', 'htps://me:secret@127.0.0.1:9/']]) {
      const {status, stderr} = await run(...args)
      assert.deepEqual([status, /127\.0\.0\.1:9/.test(stderr), stderr.includes('secret')], [64, true, false], stderr)
    }
  })

  it('leaves nothing where it is ended by a signal, nor does npm go on', async () => {
    let asked: PromiseWithResolvers<Socket> = Promise.withResolvers()
    const silent = createServer(({socket}) => asked.resolve(socket)) // who asks it gets no answer
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    try {
      const {port} = silent.address() as AddressInfo // a TCP server has one
      const document = {dist: {tarball: `http://127.0.0.1:${port}/x.tgz`, integrity: `sha512-${'A'.repeat(86)}==`}}
      registry.publish({...pluginPackage({name: 'cgpu-plugin-slow', commands: {slow: ''}}), document})
      registry.publish({name: 'slow-leaf', document})
      registry.publish(pluginPackage({name: 'cgpu-plugin-leafy', commands: {leafy: ''}, pjson: {dependencies: {'slow-leaf': '1.0.0'}}}))
      for (const [name, signal] of [['cgpu-plugin-slow', 'SIGINT'], ['cgpu-plugin-leafy', 'SIGTERM']] as const) {
        asked = Promise.withResolvers()
        const child = startCgpu(['plugins', 'install', name, '--yes'], {home})
        const ended = once(child, 'exit')
        const socket = await asked.promise
        const closed = once(socket, 'close')
        assert.equal(readdirSync(join(home.dataDir, 'plugins')).length, 1)
        child.kill(signal)
        assert.deepEqual(await ended, [null, signal])
        assert.deepEqual(readdirSync(join(home.dataDir, 'plugins')), [])
        // it was cgpu's connection, or npm's
        await closed
      }
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  it('says where it was built, once that is certain', async () => {
    const sigstore = testSigstore()
    registry.publish({...pluginPackage({name: 'cgpu-plugin-built', commands: {built: ''}}), attestations: (about) => sigstore.attest(about)})
    writeFileSync(join(home.path, 'root.json'), JSON.stringify(sigstore.root))
    writeFileSync(join(home.path, 'policy.json'), JSON.stringify({version: 1, requireProvenance: true, trustedRoot: join(home.path, 'root.json')}))
    home.env['CGPU_PLUGIN_POLICY'] = join(home.path, 'policy.json')
    const looked = await run('plugins', 'install', 'cgpu-plugin-built', '--dry-run')
    assert.equal(looked.status, 0, looked.stderr)
    assert.match(looked.stderr, /^provenance +built from https:\/\/github\.com\/alice\/plugin \(verified: https:\/\/github\.com\/alice\/plugin\/\.github\/workflows\/release\.yml@refs\/tags\/v1\.0\.0\)$/m)
    const refused = envelope(await run('plugins', 'install', 'cgpu-plugin-hello', '--yes', '--json'))
    assert.deepEqual([refused.ok, refused.error.code], [false, 'PLUGIN_POLICY'])
    // by the settings, where no policy gives the keys themselves
    writeFileSync(join(home.path, 'policy.json'), '{"version": 1}')
    const dead = await cgpu(['plugins', 'install', 'cgpu-plugin-built', '--dry-run', '--registry', registry.url], {home, env: {CGPU_SIGSTORE_URL: 'http://127.0.0.1:9/'}})
    assert.equal(dead.status, 0, dead.stderr)
    assert.match(dead.stderr, /^warning: the keys of sigstore cannot be had from 127\.0\.0\.1:9 \(/m)
    assert.match(dead.stderr, /^provenance +says it was built from .*not checked/m)
  })
})

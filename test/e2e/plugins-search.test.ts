// `cgpu plugins search` with a curated index that was signed by our script, on a server that does what servers do.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {cgpu, envelope, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {pluginPackage} from '../helpers/plugin-package.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'
import {assertRefused} from '../helpers/workbench.ts'

interface Found {
  name: string
  curated: boolean
  revoked: string | null
  state: string | null
}

describe('searching for plugins', function () {
  this.timeout(60_000)
  let registry: TestRegistry
  let home: SealedHome
  let server: Server
  let key: string
  /** what the server of the index answers; undefined: it cuts the line */
  let served: string | undefined

  const script = async (name: string, ...args: string[]): Promise<string> => (await promisify(execFile)(process.execPath, [join(repoRoot, 'scripts', name), ...args], {cwd: home.path})).stdout
  const search = async (...args: string[]) => envelope<Found[]>(await cgpu(['plugins', 'search', ...args, '--json'], {home}))

  before(async () => {
    registry = await startRegistry()
    for (const name of ['cgpu-plugin-hello', 'cgpu-plugin-other', 'cgpu-plugin-miner']) registry.publish(pluginPackage({name, commands: {[name]: ''}}))
    home = await sealedHome()
    server = createServer((_request, response) => (served === undefined ? void response.destroy() : void response.end(served)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    key = (await script('pack-keys.mjs', 'index.key')).trim()
    Object.assign(home.env, {
      CGPU_NPM_REGISTRY: registry.url, CGPU_PLUGIN_INDEX: `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.json`, CGPU_PLUGIN_INDEX_KEY: key, // a TCP server has one
    })
    await writeFile(join(home.path, 'list.json'), JSON.stringify({plugins: [{name: 'cgpu-plugin-other', summary: 'does other things'}, {name: 'cgpu-plugin-unpublished', summary: 'is elsewhere'}], revoked: [{name: 'cgpu-plugin-miner', reason: 'it mines'}]}))
    assert.match(await script('sign-plugin-index.mjs', '--key', 'index.key', 'list.json', 'index.json'), /^index\.json: 2 plugins, 1 warnings, until \d{4}-\d\d-\d\d, signed by ed25519:/)
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await registry.stop()
    await home.remove()
  })

  it('works without an index, and with one that cannot be believed or had', async () => {
    const alone = await search()
    assert.deepEqual(alone.data.map(({curated}) => curated), [false, false, false])
    assert.match(alone.warnings.join(), /the index of plugins at 127\.0\.0\.1:\d+ cannot be reached: .*; none is used/)
    served = (await readFile(join(home.path, 'index.json'), 'utf8')).replace('it mines', 'it is fine')
    const tampered = await search()
    assert.deepEqual([tampered.data.length, tampered.warnings], [3, ['the index of plugins cannot be used: its signature is wrong: it was changed, or somebody else signed it; none is used']])
    // what it may warn of is not known then: looking is harmless, installing is not
    assertRefused(await cgpu(['plugins', 'install', 'cgpu-plugin-hello', '--yes', '--quiet'], {home}), 65)
  })

  it('puts first what somebody looked at, and last what must not be used', async () => {
    served = await readFile(join(home.path, 'index.json'), 'utf8')
    const {data, warnings} = await search()
    assert.deepEqual(data.map(({name, curated, revoked, state}) => [name, curated, revoked, state]), [
      ['cgpu-plugin-other', true, null, null], ['cgpu-plugin-unpublished', true, null, null], ['cgpu-plugin-hello', false, null, null], ['cgpu-plugin-miner', false, 'it mines', null],
    ])
    assert.deepEqual(warnings, [])
    const {stdout, stderr} = await cgpu(['plugins', 'search'], {home})
    assert.match(stdout, /^cgpu-plugin-other +1\.0\.0 +curated .*\n[^]*^cgpu-plugin-miner +1\.0\.0 +REVOKED .* it mines$/m)
    assert.ok(stderr.includes(`, signed by ${key}\n`), stderr)
    assertRefused(await cgpu(['plugins', 'install', 'cgpu-plugin-miner', '--yes', '--quiet'], {home}), 75)
  })

  it('goes on with what was fetched before, and says how old that is', async () => {
    served = undefined
    const {data, warnings} = await search('other')
    assert.deepEqual(data.map(({name, curated}) => [name, curated]), [['cgpu-plugin-other', true]])
    assert.match(warnings.join(), /cannot be reached: .*; the one that was fetched .* is used/)
    registry.down = true
    assert.deepEqual((await search('--offline')).data.map(({name}) => name), ['cgpu-plugin-other', 'cgpu-plugin-unpublished'])
    const cut = await search('elsewhere')
    assert.deepEqual(cut.data.map(({name}) => name), ['cgpu-plugin-unpublished'])
    assert.match(cut.warnings.join(), /only the curated index is searched/)
  })
})

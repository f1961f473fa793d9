import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {cgpu, cgpuBin, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {writePlugin} from '../helpers/plugin-folder.ts'
import {pluginPackage, type PluginPackage} from '../helpers/plugin-package.ts'
import {type Published, startRegistry, type TestRegistry} from '../helpers/registry.ts'
import {assertRefused} from '../helpers/workbench.ts'

describe('trusting plugins', function () {
  this.timeout(60_000)
  let registry: TestRegistry
  let home: SealedHome
  beforeEach(async () => {
    registry = await startRegistry()
    home = await sealedHome()
    Object.assign(home.env, {CGPU_NPM_REGISTRY: registry.url})
  })
  afterEach(async () => {
    await registry.stop()
    await home.remove()
  })
  const run = (...args: string[]) => cgpu(args, {home})
  const publish = (one: PluginPackage, more: Partial<Published> = {}): void => registry.publish({...pluginPackage(one), ...more})
  interface Listed {
    name: string
    version: string
    state: string
  }
  const listed = async (): Promise<string[]> => envelope<Listed[]>(await run('plugins', 'list', '--json')).data.map(({name, version, state}) => `${name} ${version} ${state}`)

  it('takes more than --yes for programs, and an update that asks for more is asked about again', async () => {
    const exec = {use: 'exec', programs: ['git'], reason: 'reads commits'}
    const net = {use: 'net', hosts: ['a.example'], reason: 'uploads'}
    publish({name: 'x-a', capabilities: [exec]})
    const refused = await run('plugins', 'install', 'x-a', '--yes', '--json')
    assert.equal(refused.status, 64)
    assert.equal(envelope(refused).error.code, 'GRANT_NEEDED')
    assert.match(envelope(refused).error.fix ?? '', /^.*cgpu plugins install x-a --yes --grant exec$/)
    const installed = await run('plugins', 'install', 'x-a', '--yes', '--grant', 'exec', '--trust')
    assert.equal(installed.status, 0, installed.stderr)
    assert.match(installed.stderr, /^NEEDS +exec: git \(reads commits\) \[--grant exec\]$/m)

    publish({name: 'x-a', version: '1.1.0', capabilities: [{...exec, reason: 'reads commits and tags'}]})
    assert.equal((await run('plugins', 'update')).stdout, 'updated x-a 1.0.0 to 1.1.0\n')
    assert.deepEqual(await listed(), ['x-a 1.1.0 trusted'])

    publish({name: 'x-a', version: '1.2.0', capabilities: [exec, net]})
    const asked = await run('plugins', 'update', 'x-a')
    assert.equal(asked.status, 64)
    assert.match(asked.stderr, /asks for more: net: a\.example \(uploads\)/)
    assert.deepEqual(await listed(), ['x-a 1.1.0 trusted'])
    assert.equal((await run('plugins', 'update', 'x-a', '--yes')).stdout, 'updated x-a 1.1.0 to 1.2.0\n')
    assert.equal((await run('hello')).stdout, 'hello\n')
  })

  it('is refused where files were changed, which is found and repaired', async () => {
    publish({name: 'x-a'})
    await run('plugins', 'install', 'x-a', '--yes')
    const [folder = ''] = readdirSync(join(home.dataDir, 'plugins')).filter((name) => name.startsWith('x-a@'))
    appendFileSync(join(home.dataDir, 'plugins', folder, 'package/dist/commands/hello.js'), '// more\n')
    const refused = await run('plugins', 'trust', 'x-a', '--yes', '--json')
    assert.deepEqual([refused.status, envelope(refused).error.code], [65, 'PLUGIN_TAMPERED'])
    const verified = await run('plugins', 'verify', '--json')
    assert.deepEqual([verified.status, envelope(verified).data], [65, [{name: 'x-a', version: '1.0.0', files: 'changed', signature: 'signed', provenance: 'none', registry: 'same', ok: false}]])
    assert.equal((await run('plugins', 'reset', '--reinstall')).status, 0)
    assert.equal((await run('plugins', 'verify')).status, 0)
    // to install it again repairs it as well, and leaves it as trusted as it was
    assert.equal((await run('plugins', 'trust', 'x-a', '--yes')).status, 0)
    // the one of before is still there, beside the one in use
    for (const name of readdirSync(join(home.dataDir, 'plugins'))) if (name.startsWith('x-a@')) rmSync(join(home.dataDir, 'plugins', name), {recursive: true})
    const unknown = await run('hello')
    assert.equal(unknown.status, 127)
    assert.match(unknown.stderr, /^warning: the plugin x-a cannot be loaded and is skipped: .*\nerror: "hello" is not a command of cgpu$/m)
    assert.match(envelope(await run('hello', '--json')).warnings.join(), /^the plugin x-a cannot be loaded/)
    const looked = await run('plugins', 'inspect', 'x-a', '--json')
    assert.deepEqual([looked.status, envelope(looked).error.code, envelope(looked).error.fix], [65, 'PLUGIN_BROKEN', 'cgpu plugins reset --reinstall'])
    assert.equal((await run('plugins', 'install', 'x-a', '--yes')).stdout, 'installed x-a 1.0.0, trusted\n')
    assert.equal((await run('hello')).stdout, 'hello\n')
    assert.equal((await run('plugins', 'install', 'x-a', '--yes')).stdout, 'x-a 1.0.0 is installed already\n')

    registry.advisories = {'x-a': [{id: 1, title: 'reads too much', severity: 'high', vulnerable_versions: '<2.0.0'}]}
    const audited = await run('plugins', 'audit')
    assert.equal(audited.status, 65)
    assert.match(audited.stdout, /^ {2}! advisory: x-a 1\.0\.0: reads too much \(high\)$/m)
  })

  it('is updated and repaired one by one: what goes wrong with some of them is told by name, and stops none', async () => {
    for (const name of ['x-a', 'x-b', 'x-c']) {
      publish({name, commands: {[name]: ''}})
      assert.equal((await run('plugins', 'install', name, '--yes')).status, 0)
    }
    for (const name of ['x-b', 'x-c']) registry.takeBack(name, '1.0.0')
    appendFileSync(join(home.dataDir, 'plugins', readdirSync(join(home.dataDir, 'plugins')).find((name) => name.startsWith('x-a@')) ?? '', 'package/dist/commands/x-a.js'), '// more\n')
    const verified = await run('plugins', 'verify')
    assert.match(verified.stderr, /^fix: cgpu plugins reset --reinstall\nfix: cgpu plugins update x-c x-b, or cgpu plugins uninstall NAME$/m)
    const again = await run('plugins', 'reset', '--reinstall')
    assert.deepEqual([again.status, again.stdout], [66, 'installed x-a 1.0.0 again\n'])
    assert.match(again.stderr, /^warning: x-b stays as it was: x-b 1\.0\.0 was taken back by its publisher; cgpu plugins install x-b\nerror: x-c 1\.0\.0 was taken back by its publisher$/m)
    const exec = [{use: 'exec', programs: ['git'], reason: 'reads commits'}]
    for (const name of ['x-b', 'x-c']) publish({name, version: '2.0.0', commands: {[name]: ''}, capabilities: exec})
    const updated = await run('plugins', 'update', '--yes', '--json')
    assert.deepEqual([updated.status, envelope(updated).error.code], [64, 'GRANT_NEEDED'])
    assert.match(envelope(updated).warnings.join(), /^x-[bc] was not updated: --yes does not agree to this: .*: cgpu plugins update x-[bc] --yes --grant exec$/)
  })

  it('comes before any code: an untrusted plugin\'s texts are inert, and a broken one is named and skipped', async () => {
    const proof = join(home.path, 'proof')
    const evil = `<% process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(proof)}, '') %>\u001b[2J<%= config.bin %>`
    const command = {id: 'evil', aliases: [], args: {}, flags: {}, summary: evil, description: evil, examples: [{command: evil, description: evil}], usage: evil}
    publish({name: 'x-evil', commands: {evil: ''}, hooks: {init: `const {writeFileSync} = await import('node:fs'); writeFileSync(${JSON.stringify(proof)}, '')`}, manifest: {version: '1.0.0', commands: {evil: command}}, pjson: {scripts: {postinstall: `touch ${proof}`}}})
    publish({name: 'x-good', commands: {good: 'return 1'}})
    for (const name of ['x-evil', 'x-good']) assert.equal((await run('plugins', 'install', name, '--yes')).status, 0)
    for (const args of [['--help'], ['evil', '--help'], ['help', 'evil'], ['evil'], ['__complete', 'zsh', 'ev'], ['plugins', 'inspect', 'x-evil']]) {
      const {stdout, stderr} = await run(...args)
      assert.equal((stdout + stderr).includes('\u001b'), false, args.join(' '))
    }
    assert.equal(existsSync(proof), false)

    const [folder = ''] = readdirSync(join(home.dataDir, 'plugins')).filter((name) => name.startsWith('x-evil@'))
    writeFileSync(join(home.dataDir, 'plugins', folder, 'package/oclif.manifest.json'), '{')
    const list = await run('runtime', 'list', '--json')
    assert.equal(list.status, 0, list.stderr)
    assert.match(envelope(list).warnings.join('\n'), /^the plugin x-evil cannot be loaded and is skipped: .*cgpu plugins uninstall x-evil$/)
    assert.deepEqual(envelope(await run('plugins', 'uninstall', 'x-evil', '--json')).ok, true)
  })

  it('is a policy\'s to forbid, also of what is installed', async () => {
    publish({name: 'x-a'})
    await run('plugins', 'install', 'x-a', '--yes', '--trust')
    mkdirSync(home.configDir, {recursive: true})
    writeFileSync(join(home.configDir, 'plugin-policy.json'), '{"version": 1, "deny": ["x-a"]}')
    const hello = await run('hello')
    assert.equal(hello.status, 127)
    const list = await run('plugins', 'list', '--json')
    assert.match(envelope(list).warnings.join(), /the plugin x-a is not loaded: the policy .*plugin-policy\.json denies it/)
    assert.equal((await run('plugins', 'install', 'x-a@1.0.0', '--yes')).status, 75)
  })

  it('of one\'s own folder is by linking it, and what is to be published is checked', async () => {
    const folder = join(home.cwd, 'mine')
    writePlugin(folder, {name: 'cgpu-plugin-mine', commands: {mine: 'this.log("mine")'}, pjson: {files: ['dist', 'oclif.manifest.json'], repository: 'github:a/b'}})
    assert.equal((await run('plugins', 'link', 'mine')).stdout, 'linked cgpu-plugin-mine 1.0.0, trusted\n')
    assert.equal((await run('mine')).stdout, 'mine\n')
    assert.deepEqual(envelope<{findings: object[]}>(await run('plugins', 'publish', 'mine', '--dry-run', '--json')).data.findings, [])
    writePlugin(folder, {name: 'cgpu-plugin-mine', commands: {mine: '', other: ''}, manifest: {version: '1.0.0', commands: {mine: {id: 'mine'}}}})
    const checked = await run('plugins', 'publish', 'mine', '--dry-run')
    assert.deepEqual([checked.status, /does not mention the command "other"/.test(checked.stdout)], [65, true], checked.stdout)
    for (const folder of ['absent', '.']) assertRefused(await run('plugins', 'publish', folder, '--dry-run'), 66, folder)
    assert.equal((await run('plugins', 'unlink', 'cgpu-plugin-mine')).status, 0)
    assert.equal(existsSync(join(folder, 'package.json')), true)
  })

  it('says so when the disk is full, and installs nothing', async () => {
    publish({name: 'x-big', files: {'dist/data.js': 'x'.repeat(3_000_000)}})
    // a limit on the size of files stands for a full disk
    const child = spawn('bash', ['-c', 'ulimit -f 1024; exec "$@"', 'bash', process.execPath, '--', cgpuBin, 'plugins', 'install', 'x-big', '--yes'], {env: home.env, cwd: home.cwd})
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const [status] = (await once(child, 'close')) as [number | null] // as node gives it
    assert.equal(status, 73, stderr)
    assert.match(stderr, /^error: cannot write /m)
    assert.deepEqual(readdirSync(join(home.dataDir, 'plugins')), [])
  })
})

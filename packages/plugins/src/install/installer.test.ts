import assert from 'node:assert/strict'
import {execFileSync, spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {type InstallBed, installBed} from '../../../../test/helpers/install-bed.ts'
import {writePlugin} from '../../../../test/helpers/plugin-folder.ts'
import {pluginPackage, type PluginPackage} from '../../../../test/helpers/plugin-package.ts'
import {type Published, startRegistry, type TestRegistry} from '../../../../test/helpers/registry.ts'
import {testSigstore} from '../../../../test/helpers/sigstore.ts'
import {packed, tarball} from '../../../../test/helpers/tarball.ts'
import {inspectFolder} from './installer.ts'
import {integrityOf} from './integrity.ts'
import {registryConfig} from './npmrc.ts'
import {Registry} from './registry.ts'
import {pickRelease} from './release.ts'

describe('the installer of plugins', () => {
  let registry: TestRegistry
  let bed: InstallBed
  beforeEach(async () => {
    registry = await startRegistry()
    bed = installBed(registry.url)
  })
  afterEach(async () => {
    await registry.stop()
    bed.remove()
  })
  const publish = (one: PluginPackage, more: Partial<Published> = {}): void => registry.publish({...pluginPackage(one), ...more})

  it('pins what it installs, by version and checksum, and names no registry', async () => {
    publish({name: '@me/cgpu-plugin-x', version: '1.2.3', capabilities: [{use: 'net', hosts: ['a.example'], reason: 'why'}]})
    const plugin = await bed.install('@me/cgpu-plugin-x@^1.0')
    assert.deepEqual([plugin.version, plugin.want, plugin.source, plugin.signature, plugin.level], ['1.2.3', '^1.0', 'registry', 'signed', 'untrusted'])
    assert.match(plugin.integrity, /^sha512-/)
    assert.deepEqual(plugin.granted.map(({use}) => use), ['net'])
    assert.ok(existsSync(join(plugin.root, 'dist/commands/hello.js')))
    assert.equal(bed.lock().includes('127.0.0.1'), false)
    await bed.installer().uninstall(plugin.name)
    assert.deepEqual([bed.left(), await bed.installer().installed(), await bed.installer().trust.all()], [[], [], []])
  })

  it('leaves nothing of what it refuses', async () => {
    const bad = (name: string, entries: Parameters<typeof tarball>[0]): void =>
      publish({name}, {tarball: tarball([{path: 'package/package.json', data: JSON.stringify({name, version: '1.0.0', oclif: {}})}, ...entries])})
    bad('x-traversal', [{path: 'package/../../../evil', data: 'x'}])
    bad('x-link', [{path: 'package/link', type: '2', link: '/etc/passwd'}])
    publish({name: 'x-future', contract: 9})
    publish({name: 'x-broken', pjson: {cgpu: {contract: 1, capabilities: [{use: 'everything'}]}}})
    publish({name: 'x-none', pjson: {oclif: undefined}})
    publish({name: 'x-shadow', commands: {run: ''}})
    publish({name: 'x-topic', commands: {runtime: ''}})
    publish({name: '@cgpu/plugin-emulator'})
    publish({name: 'x-alias', manifest: {version: '1.0.0', commands: {hello: {id: 'hello', aliases: ['runtime list']}}}})
    publish({name: 'x-hides', files: {'dist/commands/hidden.js': ''}})
    publish({name: 'x-invents', manifest: {version: '1.0.0', commands: {hello: {id: 'hello'}, more: {id: 'more'}}}})
    publish({name: 'x-old-manifest', manifest: {version: '0.9.0', commands: {hello: {id: 'hello'}}}})
    publish({name: 'x-elsewhere', manifest: {version: '1.0.0', commands: {hello: {id: 'hello', relativePath: ['..', 'x.js']}}}})
    publish({name: 'x-other'}, {tarball: packed({'package.json': JSON.stringify({name: 'y', version: '1.0.0', oclif: {}})})})
    publish({name: 'x-forged'}, {signed: 'forged'})
    publish({name: 'x-yanked', version: '1.0.0'})
    publish({name: 'x-yanked', version: '1.1.0'})
    registry.takeBack('x-yanked', '1.0.0')
    const cases: [string, string, number][] = [
      ['x-traversal', 'PLUGIN_TARBALL', 65], ['x-link', 'PLUGIN_TARBALL', 65], ['x-future', 'PLUGIN_CONTRACT', 65], ['x-broken', 'PLUGIN_MANIFEST', 65], ['x-none', 'PLUGIN_NOT_ONE', 65],
      ['x-shadow', 'PLUGIN_SHADOWS', 72], ['x-topic', 'PLUGIN_SHADOWS', 72], ['@cgpu/plugin-emulator', 'PLUGIN_SHADOWS', 72], ['x-alias', 'PLUGIN_SHADOWS', 72],
      ...['x-hides', 'x-invents', 'x-old-manifest', 'x-elsewhere', 'x-other'].map((name): [string, string, number] => [name, 'PLUGIN_MANIFEST_LIES', 65]),
      ['x-forged', 'PLUGIN_FORGED', 65], ['x-yanked@1.0.0', 'PLUGIN_VERSION_YANKED', 66], ['x-yanked@7', 'PLUGIN_VERSION_NOT_FOUND', 66], ['x-yanked@beta', 'PLUGIN_VERSION_NOT_FOUND', 66], ['x-absent', 'PLUGIN_NOT_FOUND', 66],
      ['./absent.tgz', 'FILE_NOT_FOUND', 66],
    ]
    for (const [typed, code, exit] of cases) {
      await assert.rejects(bed.install(typed), (error) => error instanceof Error && 'code' in error && 'exit' in error && 'fix' in error && error.code === code && error.exit === exit && typeof error.fix === 'string', `${typed}: ${code}`)
      assert.deepEqual([bed.left(), bed.lock()], [[], ''], typed)
    }
    assert.equal(existsSync(join(bed.folder, 'evil')), false)
  })

  it('takes no tarball with other bytes than were promised, and no plugin that brings another\'s command', async () => {
    publish({name: 'x-a'})
    publish({name: 'x-b'})
    registry.corrupt = true
    await assert.rejects(bed.install('x-a'), {code: 'PLUGIN_INTEGRITY'})
    registry.corrupt = false
    await bed.install('x-a')
    await assert.rejects(bed.install('x-b'), {code: 'PLUGIN_DUPLICATE', message: 'x-b and x-a both bring a command "hello"'})
    assert.deepEqual((await bed.installer().installed()).map(({name}) => name), ['x-a'])

    const link = (plugin: PluginPackage) => {
      const folder = mkdtempSync(join(bed.folder, 'linked-'))
      writePlugin(folder, plugin)
      return bed.installer().link(folder, 'trusted')
    }
    await assert.rejects(link({name: 'x-c'}), {code: 'PLUGIN_DUPLICATE', message: 'x-c and x-a both bring a command "hello"'})
    await assert.rejects(link({name: 'x-d', commands: {run: ''}}), {code: 'PLUGIN_SHADOWS', exit: 72, message: 'x-d has a command "run", which is cgpu\'s own'})
    assert.equal((await link({name: 'x-a'})).source, 'link')
  })

  it('is told where addresses are none, be they chosen, npm\'s, or what a registry names', async () => {
    for (const url of ['foo', 'http://', 'ftp://x/', 'http://[::1']) assert.throws(() => registryConfig({}, url), {code: 'REGISTRY_INVALID', exit: 64}, url)
    writeFileSync(join(bed.folder, '.npmrc'), 'registry=foo\n@me:registry=ftp://x\n')
    const npms = {registry: new Registry(registryConfig({npm_config_userconfig: join(bed.folder, '.npmrc')}))}
    assert.deepEqual(await bed.installer(npms).installed(), [])
    for (const name of ['x-a', '@me/x-a']) await assert.rejects(bed.install(name, npms), {code: 'REGISTRY_INVALID', exit: 64}, name)
    for (const [name, address] of [['x-no-url', 'foo'], ['x-file', 'file:///etc/passwd']] as const) {
      publish({name}, {document: {dist: {tarball: address, integrity: 'sha512-AAAA'}}})
      await assert.rejects(bed.install(name), {code: 'PLUGIN_DOCUMENT', exit: 65}, name)
    }
  })

  it('suggests no tag whose version is gone', async () => {
    publish({name: 'x-a'})
    publish({name: 'x-a', version: '2.0.0'})
    registry.takeBack('x-a', '2.0.0')
    await assert.rejects(bed.install('x-a'), {code: 'PLUGIN_VERSION_NOT_FOUND', fix: 'cgpu plugins info x-a@1.0.0'})
    registry.takeBack('x-a', '1.0.0')
    await assert.rejects(bed.install('x-a'), {code: 'PLUGIN_VERSION_NOT_FOUND', fix: 'cgpu plugins search'})
  })

  it('removes what processes left that are gone, also where nothing is installed in the end', async () => {
    const {pid} = spawnSync(process.execPath, ['--version'])
    mkdirSync(join(bed.dataDir, 'plugins', `.stage-${pid}-1`), {recursive: true})
    await assert.rejects(bed.install('x-absent'), {code: 'PLUGIN_NOT_FOUND'})
    assert.deepEqual(bed.left(), [])
  })

  it('looks at a linked plugin\'s own files, not at what npm has put beside them', async () => {
    const folder = join(bed.folder, 'mine')
    writePlugin(folder, {name: 'x-mine', files: {'node_modules/.bin/tool': ''}})
    symlinkSync('tool', join(folder, 'node_modules/.bin/link'))
    const {commands} = await inspectFolder(folder, {version: '0.1.0', commands: new Set(), plugins: new Set()})
    assert.deepEqual(commands?.map(({id}) => id), ['hello'])
  })

  it('finds plugins in registries that search in other ways, or not at all', async () => {
    publish({name: 'x-a'})
    registry.publish({name: 'cgpu-plugin-not', pjson: {keywords: []}})
    const {cache} = bed.installer()
    const names = async (): Promise<string[] | undefined> => (await cache.registry.plugins('x-a'))?.map((one) => one.package.name)
    assert.deepEqual(await names(), ['x-a'])
    registry.plain = true
    assert.deepEqual(await names(), ['x-a'])
    registry.bare = true
    assert.equal(await names(), undefined)
    // no keys there either: what is signed cannot be checked, and is not said to be
    assert.equal((await bed.install('x-a')).signature, 'unchecked')
  })

  it('installs several at once without losing one', async () => {
    const names = Array.from({length: 6}, (_, i) => `x-${i}`)
    for (const name of names) publish({name, commands: {[name]: ''}})
    await Promise.all(names.map((name) => bed.install(name)))
    assert.deepEqual((await bed.installer().installed()).map(({name}) => name).sort(), names)
    assert.equal(bed.left().length, names.length)
  })

  it('goes on without the registry, with what it knows', async () => {
    publish({name: 'x-a'})
    await bed.install('x-a')
    await bed.installer().uninstall('x-a')
    registry.down = true
    await bed.install('x-a')
    assert.match(bed.warnings.join('\n'), /cannot be reached; what it said of x-a/)
    await bed.installer().uninstall('x-a')
    registry.requests.length = 0
    await bed.install('x-a', {offline: true})
    assert.deepEqual(registry.requests, [])
    await assert.rejects(bed.install('x-b', {offline: true}), {code: 'NOT_IN_CACHE', exit: 69})
    await assert.rejects(bed.install('x-b'), {code: 'REGISTRY_UNREACHABLE', exit: 69})
  })

  it('has dependencies installed beside the package, runs no script of theirs, and takes none from elsewhere', async () => {
    const proof = join(bed.folder, 'proof')
    registry.publish({name: 'leaf', pjson: {main: 'index.js', scripts: {postinstall: `node -e "require('fs').writeFileSync('${proof}', '')"`}}, files: {'index.js': 'module.exports = 42'}})
    registry.publish({name: 'middle', pjson: {dependencies: {leaf: '^1.0.0'}}})
    publish({name: 'x-a', pjson: {dependencies: {middle: '1.0.0', '@oclif/core': '^5'}, scripts: {postinstall: `node -e "require('fs').writeFileSync('${proof}', '')"`}}})
    const plugin = await bed.install('x-a')
    assert.deepEqual(Object.keys(plugin.dependencies).sort(), ['leaf@1.0.0', 'middle@1.0.0'])
    assert.ok(existsSync(join(plugin.root, '../node_modules/leaf/index.js')))
    assert.equal(existsSync(join(plugin.root, '../node_modules/@oclif')), false)
    assert.equal(existsSync(proof), false)
    assert.doesNotMatch(readFileSync(join(plugin.root, '../package.json'), 'utf8') + bed.lock(), /127\.0\.0\.1/)

    mkdirSync(join(bed.folder, 'local'))
    writeFileSync(join(bed.folder, 'local/package.json'), '{"name":"local","version":"1.0.0"}')
    publish({name: 'x-b', commands: {other: ''}, pjson: {dependencies: {local: `file:${join(bed.folder, 'local')}`}}})
    await assert.rejects(bed.install('x-b'), {code: 'PLUGIN_DEPENDENCY_SOURCE'})
    publish({name: 'x-c', commands: {other: ''}, pjson: {dependencies: {absent: '1.0.0'}}})
    await assert.rejects(bed.install('x-c'), {code: 'PLUGIN_DEPENDENCIES'})
    assert.deepEqual(bed.left().length, 1)
  }).timeout(60_000)

  it('installs tarballs and repositories, pinned too', async () => {
    const files = (name: string): Record<string, string> => {
      const {files: sources = {}, pjson} = pluginPackage({name, commands: {[name]: ''}})
      return {'package.json': JSON.stringify({name, version: '1.0.0', ...pjson}), ...sources}
    }
    writeFileSync(join(bed.folder, 'x-file.tgz'), packed(files('x-file')))
    const fromFile = await bed.install('./x-file.tgz')
    assert.deepEqual([fromFile.source, fromFile.signature, fromFile.want], ['tarball', 'none', join(bed.folder, 'x-file.tgz')])

    const repository = join(bed.folder, 'repository')
    const git = (...args: string[]): string => execFileSync('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {encoding: 'utf8'}).trim()
    for (const [path, text] of Object.entries(files('x-git'))) {
      mkdirSync(join(repository, path, '..'), {recursive: true})
      writeFileSync(join(repository, path), text)
    }
    git('init', '--quiet')
    git('add', '.')
    git('commit', '--quiet', '-m', 'one')
    const fromGit = await bed.install(`git+file://${repository}`)
    assert.deepEqual([fromGit.source, fromGit.integrity], ['git', git('rev-parse', 'HEAD')])
    assert.equal(existsSync(join(fromGit.root, '.git')), false)
    symlinkSync('/etc/passwd', join(repository, 'link'))
    git('add', '.')
    git('commit', '--quiet', '-m', 'two')
    await assert.rejects(bed.install(`git+file://${repository}`), {code: 'PLUGIN_LINK'})
    await assert.rejects(bed.install(`git+file://${repository}#nowhere`), {code: 'PLUGIN_GIT', message: /^git cannot fetch it: couldn't find remote ref nowhere$/})
    await assert.rejects(bed.install(`git+file://${repository}-not`), {code: 'PLUGIN_GIT', message: /does not appear to be a git repository$/})
    await assert.rejects(bed.install(`git+file://${repository}`, {offline: true}), {code: 'NOT_IN_CACHE', exit: 69})
  })

  it('obeys a policy, and the warnings of a curated index that is signed', async () => {
    const {generateKeyPairSync, sign} = await import('node:crypto')
    publish({name: 'x-a'}, {signed: false})
    mkdirSync(join(bed.folder, 'config'))
    const policy = (rules: object): void => writeFileSync(join(bed.folder, 'config/plugin-policy.json'), JSON.stringify({version: 1, ...rules}))
    policy({requireSignature: true})
    await assert.rejects(bed.install('x-a'), {code: 'PLUGIN_POLICY', exit: 75})

    const {privateKey, publicKey} = generateKeyPairSync('ed25519')
    const index = JSON.stringify({generatedAt: '2026-01-01', expiresAt: '2036-01-01', plugins: [], revoked: [{name: 'x-a', versions: '<2', reason: 'steals tokens'}]})
    const from = join(bed.folder, 'index.json')
    writeFileSync(from, JSON.stringify({index, signature: sign(null, Buffer.from(index), privateKey).toString('base64')}))
    policy({index: {from, key: publicKey.export({format: 'der', type: 'spki'}).toString('base64')}})
    await assert.rejects(bed.installer().checkRevoked('x-a', '1.0.0'), {code: 'PLUGIN_REVOKED', message: /steals tokens/})
    await bed.installer().checkRevoked('x-a', '2.0.0')
    writeFileSync(from, JSON.stringify({index: index.replace('<2', '<1'), signature: sign(null, Buffer.from(index), privateKey).toString('base64')}))
    await assert.rejects(bed.installer().checkRevoked('x-a', '1.0.0'), {code: 'PLUGIN_INDEX'})
  })

  it('knows where a version was built, also without a network, and obeys a policy that wants to', async () => {
    const sigstore = testSigstore()
    publish({name: '@me/x-built'}, {attestations: (about) => sigstore.attest(about)})
    publish({name: 'x-forged'}, {attestations: (about) => sigstore.attest({...about, sha512: 'ab'.repeat(64)})})
    publish({name: 'x-silent'})
    mkdirSync(join(bed.folder, 'config'))
    writeFileSync(join(bed.folder, 'root.json'), JSON.stringify(sigstore.root))
    writeFileSync(join(bed.folder, 'config/plugin-policy.json'), JSON.stringify({version: 1, requireProvenance: true, trustedRoot: join(bed.folder, 'root.json')}))
    assert.equal((await bed.install('@me/x-built')).provenance, 'verified')
    await assert.rejects(bed.install('x-forged'), {code: 'PLUGIN_PROVENANCE', exit: 65})
    await assert.rejects(bed.install('x-silent'), {code: 'PLUGIN_POLICY', exit: 75, message: /it must be certain where it was built, and it does not say/})
    const [built, ...more] = await bed.installer().installed()
    assert.deepEqual([built?.name, built?.provenance, more], ['@me/x-built', 'verified', []])
    const now = async (plugin = built) => bed.installer().provenanceNow(plugin!, pickRelease((await bed.installer().cache.news('@me/x-built'))!.packument, '1.0.0'))
    assert.equal(await now(), 'verified')
    assert.equal(await now({...built!, integrity: integrityOf(Buffer.from('something else'))}), 'wrong')
    await bed.installer().uninstall('@me/x-built')
    assert.equal((await bed.install('@me/x-built', {offline: true})).provenance, 'verified')
  })
})

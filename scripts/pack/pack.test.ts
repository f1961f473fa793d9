import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {unpack} from '@cgpu/updater/unpack'
import {repoRoot} from '../../test/helpers/cli.ts'

interface Entry {
  path: string
  executable?: boolean
  bytes: () => Buffer
}

/** The scripts have no types. */
const script = async <T>(name: string): Promise<T> => (await import(pathToFileURL(join(repoRoot, 'scripts/pack', name)).href)) as T

describe('packing', () => {
  let folder: string
  before(() => (folder = mkdtempSync(join(tmpdir(), 'cgpu-pack-'))))
  after(() => rmSync(folder, {recursive: true}))

  it('writes archives that `cgpu update` reads, the same ones each time, whatever the order', async () => {
    const {tarball} = await script<{tarball: (entries: Entry[], options: {seconds: number}) => Buffer}>('tar.mjs')
    const long = `cgpu/versions/1/${'deep/'.repeat(20)}${'n'.repeat(90)}.js`
    const entries: Entry[] = [
      {path: 'cgpu/versions/1/b', bytes: () => Buffer.from('b'.repeat(513))}, {path: 'cgpu/versions/1/a', executable: true, bytes: () => Buffer.from('')},
      {path: long, bytes: () => Buffer.from('long')}, {path: 'cgpu/current', bytes: () => Buffer.from('1')},
    ]
    const bytes = tarball(entries, {seconds: 1_700_000_000})
    assert.deepEqual(tarball(entries.toReversed(), {seconds: 1_700_000_000}), bytes)
    const archive = join(folder, 'a.tar.gz')
    writeFileSync(archive, bytes)
    assert.equal(await unpack(archive, 'cgpu/versions/1/', join(folder, 'out')), 3)
    assert.equal(readFileSync(join(folder, 'out', 'b'), 'utf8'), 'b'.repeat(513))
    assert.equal(readFileSync(join(folder, 'out', long.slice('cgpu/versions/1/'.length)), 'utf8'), 'long')
    assert.ok(statSync(join(folder, 'out', 'a')).mode & 0o100 && !existsSync(join(folder, 'out', 'current')))
    await assert.rejects(unpack(archive, 'cgpu/versions/2/', join(folder, 'other')), {code: 'UPDATE_ARCHIVE_INVALID'})
    writeFileSync(archive, bytes.subarray(0, bytes.length - 20))
    await assert.rejects(unpack(archive, 'cgpu/versions/1/', join(folder, 'half')), {code: 'UPDATE_ARCHIVE_INVALID'})
  })

  it('takes a package from a mirror if it is what was pinned, and keeps it', async () => {
    const [{tarball}, {fetchPackage, PackageUnavailable}] = await Promise.all([
      script<{tarball: (entries: Entry[], options: {seconds: number}) => Buffer}>('tar.mjs'),
      script<{fetchPackage: (name: string, version: string, integrity: string) => Map<string, Buffer>; PackageUnavailable: new () => Error}>('fetch-package.mjs'),
    ])
    const [mirror, cache] = [join(folder, 'mirror'), join(folder, 'cache')]
    const bytes = tarball([{path: 'package/bin/node', bytes: () => Buffer.from('a program')}], {seconds: 0})
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    const before = {...process.env}
    Object.assign(process.env, {CGPU_PACK_MIRROR: mirror, CGPU_PACK_CACHE: cache})
    try {
      assert.throws(() => fetchPackage('@x/node', '1.0.0', integrity), PackageUnavailable)
      mkdirSync(mirror)
      const file = join(mirror, 'x-node-1.0.0.tgz')
      writeFileSync(file, 'something else')
      assert.throws(() => fetchPackage('@x/node', '1.0.0', integrity), /is not @x\/node@1\.0\.0: its integrity is sha512-/)
      assert.deepEqual(readdirSync(cache), [])
      writeFileSync(file, bytes)
      assert.equal(fetchPackage('@x/node', '1.0.0', integrity).get('bin/node')?.toString(), 'a program')
      rmSync(file)
      assert.equal(fetchPackage('@x/node', '1.0.0', integrity).size, 1)
      writeFileSync(join(cache, 'x-node-1.0.0.tgz'), 'cut')
      assert.throws(() => fetchPackage('@x/node', '1.0.0', integrity), PackageUnavailable)
    } finally {
      process.env = before
    }
  })

  it('takes for each system what is compiled for it, and nothing for developers', async () => {
    const {closure} = await script<{closure: (target: string) => {path: string; name: string}[]}>('closure.mjs')
    const keyrings: Record<string, string> = {
      'linux-x64': 'linux-x64-gnu', 'linux-arm64': 'linux-arm64-gnu', 'win32-x64': 'win32-x64-msvc', 'darwin-arm64': 'darwin-arm64', 'darwin-x64': 'darwin-x64',
    }
    for (const [target, keyring] of Object.entries(keyrings)) {
      const names = closure(target).map(({name}) => name)
      assert.deepEqual(names.filter((name) => name.startsWith('@napi-rs/keyring-')), [`@napi-rs/keyring-${keyring}`], target)
      for (const name of ['@cgpu/plugin-emulator', '@cgpu/runtime-agent', '@oclif/core', 'zod']) assert.ok(names.includes(name), `${target}: ${name}`)
      for (const name of ['typescript', 'mocha', 'esbuild', '@oclif/plugin-update']) assert.ok(!names.includes(name), `${target}: ${name}`)
    }
  })

  it('takes the Node for a system of which the registry has none from an archive of nodejs.org, and no other', async () => {
    const [{tarball}, {nodeBuilds, nodeFor}] = await Promise.all([
      script<{tarball: (entries: Entry[], options: {seconds: number}) => Buffer}>('tar.mjs'),
      script<{nodeBuilds: {version: string; targets: object}; nodeFor: (target: string, archive?: string) => {files: Map<string, Buffer>; about: {purl: string; integrity: string}}}>('node-inside.mjs'),
    ])
    const {version} = nodeBuilds
    const file = join(folder, 'node.tar.gz')
    const program = (cpu: number): Buffer => Buffer.concat([Buffer.from('cffaedfe', 'hex'), Buffer.from(Uint32Array.of(cpu).buffer), Buffer.alloc(64)])
    const archive = (top: string, cpu: number): void => writeFileSync(file, tarball([
      {path: `${top}/bin/node`, executable: true, bytes: () => program(cpu)}, {path: `${top}/LICENSE`, bytes: () => Buffer.from('a licence')}, {path: `${top}/bin/npm`, bytes: () => Buffer.from('no')},
    ], {seconds: 0}))
    for (const [target, cpu] of [['darwin-arm64', 0x0100000c], ['darwin-x64', 0x01000007]] as const) {
      assert.equal(Object.hasOwn(nodeBuilds.targets, target), false)
      assert.throws(() => nodeFor(target), new RegExp(`--node-archive ${target}=FILE`))
      archive(`node-v${version}-${target}`, cpu)
      const {files, about} = nodeFor(target, file)
      assert.deepEqual([[...files.keys()], about.purl, about.integrity], [['bin/node', 'bin/node.LICENSE'], `pkg:generic/node@${version}`, `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`])
    }
    assert.throws(() => nodeFor('darwin-arm64', file), /there is no node-v.*-darwin-arm64\/bin\/node in it/)
    archive(`node-v${version}-darwin-arm64`, 0x01000007)
    assert.throws(() => nodeFor('darwin-arm64', file), /its program is for darwin-x64/)
    for (const text of ['', 'not packed']) {
      writeFileSync(file, text)
      assert.throws(() => nodeFor('darwin-arm64', file), /is not node-v/)
    }
    assert.throws(() => nodeFor('darwin-arm64', join(folder, 'nothing')), /ENOENT/)
  })

  it('says what is missing or wrong of servers that are built in and of keys, in one line', () => {
    const run = (script: string, args: string[], env: Record<string, string> = {}): [number | null, string] => {
      const {status, stderr} = spawnSync(process.execPath, [...(script.startsWith('import') ? ['--input-type=module', '-e', script, '--'] : [join(repoRoot, 'scripts', script)]), ...args], {encoding: 'utf8', cwd: folder, env: {...process.env, ...env}})
      return [status, stderr.split('\n')[0] ?? '']
    }
    const options = pathToFileURL(join(repoRoot, 'scripts/pack/options.mjs')).href
    const builtIn = (given: object, env: Record<string, string> = {}) => run(`import {builtIn} from '${options}'; console.error(JSON.stringify(builtIn('index', ${JSON.stringify(given)})))`, [], env)
    const key = `ed25519:${'A'.repeat(43)}=`
    const cases: [[number | null, string], number, RegExp][] = [
      [builtIn({}), 0, /^\{"url":null,"keys":\[\]\}$/],
      [builtIn({}, {CGPU_PACK_INDEX_URL: 'https://x.example/i.json', CGPU_PACK_INDEX_KEY: key}), 0, /^\{"url":"https:\/\/x\.example\/i\.json","keys":\["ed25519:A+="\]\}$/],
      [builtIn({url: 'https://x.example/'}), 64, /^error: --index-url is given, and no key/],
      [builtIn({keys: [key]}), 64, /^error: --index-key is given, and no server/],
      [builtIn({url: 'http://x.example/', keys: [key]}), 64, /^error: --index-url: "http:\/\/x\.example\/" is not https/],
      [builtIn({url: 'x', keys: [key]}), 64, /^error: --index-url: "x" is no address/],
      [builtIn({url: 'https://x.example/', keys: ['secret']}), 64, /^error: --index-key: "secret" is no public key/],
      [run('pack-release.mjs', ['--site', 's', '--version', '1.0.0'], {CGPU_RELEASE_KEY_FILE: ''}), 64, /^error: there is no key to sign with/],
      [run('pack-release.mjs', ['--site', 's', '--version', '1.0.0'], {CGPU_RELEASE_KEY_FILE: 'gone'}), 66, /^error: the key gone cannot be read: ENOENT/],
      [run('pack-release.mjs', ['--site', 's', '--version', '1.0.0', '--key', join(repoRoot, 'LICENSE')]), 65, /LICENSE holds no private Ed25519 key$/],
    ]
    for (const [[status, said], expected, pattern] of cases) {
      assert.match(said, pattern)
      assert.equal(status, expected, said)
    }
  })

  it('has launchers that both kinds of systems understand', async () => {
    const {posix, windows} = await script<{posix: string; windows: string}>('launcher.mjs')
    assert.ok(posix.startsWith('#!/bin/sh\n') && !posix.includes('\r'))
    assert.ok(windows.startsWith('@echo off\r\n') && !/[^\r]\n/.test(windows))
  })
})

import assert from 'node:assert/strict'
import {existsSync, mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {type InstallBed, installBed} from '../../../../test/helpers/install-bed.ts'
import {writePlugin} from '../../../../test/helpers/plugin-folder.ts'
import {type LockedPlugin, pluginLock} from './lock-file.ts'
import {makeIndex} from './make-index.ts'
import {indexPath, pluginIndex} from './plugin-index.ts'

describe('the index of plugins', () => {
  let bed: InstallBed
  let folder: string
  let path: string
  beforeEach(async () => {
    bed = installBed('http://127.0.0.1:9/')
    folder = join(bed.folder, 'mine')
    path = indexPath(bed.dataDir)
    writePlugin(folder, {name: 'x-a', commands: {hello: '', 'greet:all': ''}, hooks: {'execution:before': '', 'provider:register': ''}})
    await bed.installer().link(folder, 'trusted')
  })
  afterEach(() => bed.remove())
  /** as if the files of the plugin were some seconds old */
  const make = () => makeIndex(bed.dataDir, Date.now() + 10_000)
  const edit = (name: string, change: (text: string) => string): void => writeFileSync(join(folder, name), change(readFileSync(join(folder, name), 'utf8')))
  const versions = async (): Promise<string[]> => (await pluginIndex(bed.dataDir)).plugins.map(({version}) => version)
  /** Tells what comes from the file from what is read anew. */
  const mark = (): void => writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"1.0.0"', '"marked"'))

  it('holds commands, hooks and trust, for its user only', async () => {
    const {plugins} = make()
    assert.deepEqual(plugins, [{
      name: 'x-a', version: '1.0.0', root: folder, level: 'trusted', contract: 1, commands: ['hello', 'greet:all'],
      hooks: {'execution:before': [{target: './dist/hook-execution-before.js', identifier: 'default'}], 'provider:register': [{target: './dist/hook-provider-register.js', identifier: 'default'}]},
    }])
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600)
    mark()
    assert.deepEqual(await versions(), ['marked'])
  })

  it('holds where hooks of an installed plugin stand that are ES modules, and of a linked one nothing that may change', async () => {
    const hooks = ['named', 'plain.js', 'old', 'older', 'nested/inner', 'out', 'gone']
    const root = join(bed.dataDir, 'plugins/x-b@1.0.0-0/package')
    mkdirSync(join(root, 'nested'), {recursive: true})
    writeFileSync(join(root, 'package.json'), JSON.stringify({name: 'x-b', version: '1.0.0', type: 'module', oclif: {hooks: {'execution:before': hooks}}}))
    writeFileSync(join(root, 'nested/package.json'), '{}')
    for (const file of ['named.mjs', 'plain.js', 'old.cjs', 'nested/inner.js']) writeFileSync(join(root, file), '')
    writeFileSync(join(bed.folder, 'out.mjs'), '')
    mkdirSync(join(root, 'older'))
    writeFileSync(join(root, 'older/package.json'), '{"type": "commonjs"}')
    writeFileSync(join(root, 'older/index.js'), '')
    symlinkSync(join(bed.folder, 'out.mjs'), join(root, 'out'))
    const installed: LockedPlugin = {
      name: 'x-b', version: '1.0.0', source: 'tarball', want: 'x-b.tgz', folder: 'x-b@1.0.0-0', integrity: '', digest: '', signature: 'none', dependencies: {}, installedAt: new Date().toISOString(),
    }
    await pluginLock(bed.dataDir).update(({plugins}) => ({plugins: {...plugins, 'x-b': installed}}))
    await bed.installer().trust.put({name: 'x-b', level: 'trusted', version: '1.0.0', granted: [], at: new Date().toISOString()})
    const modules = (name: string): (string | undefined)[] => make().plugins.find((plugin) => plugin.name === name)?.hooks['execution:before']?.map(({module}) => module) ?? []
    const real = (file: string): string => pathToFileURL(realpathSync(join(root, file))).href
    assert.deepEqual(modules('x-b'), [real('named.mjs'), real('plain.js'), undefined, undefined, undefined, undefined, undefined])
    assert.deepEqual(modules('x-a'), [undefined])
  })

  it('of an untrusted plugin holds hooks that a sandbox may have, and its terms', async () => {
    await bed.installer().setLevel(await bed.installer().get('x-a'), 'untrusted')
    const [plugin] = make().plugins
    assert.deepEqual([plugin?.level, plugin?.commands, Object.keys(plugin?.hooks ?? {})], ['untrusted', ['hello', 'greet:all'], ['execution:before']])
    assert.deepEqual(plugin?.terms, {acceptsNetwork: false, version: '1.0.0', runsCode: false, managesRuntimes: false})
  })

  it('is believed until anything that it was made of changes', async () => {
    const lock = join(bed.dataDir, 'plugins.lock.json')
    const changes: [what: string, change: () => void | Promise<unknown>][] = [
      ['package.json', () => edit('package.json', (text) => `${text} `)],
      ['manifest', () => edit('oclif.manifest.json', (text) => `${text} `)],
      ['lock file, by another version of cgpu', () => writeFileSync(lock, `${readFileSync(lock, 'utf8')} `)],
      ['oclif\'s list', () => writeFileSync(join(bed.dataDir, 'package.json'), '{}')],
      ['trust, by another version of cgpu', () => bed.installer().trust.put({name: 'x-a', level: 'trusted', version: '1.0.0', granted: [], at: new Date().toISOString()})],
    ]
    for (const [what, change] of changes) {
      make()
      mark()
      assert.deepEqual(await versions(), ['marked'], what)
      await change()
      assert.deepEqual(await versions(), ['1.0.0'], what)
    }
  })

  it('is made again where it is broken, or of another folder', async () => {
    make()
    const good = readFileSync(path, 'utf8')
    const {dataDir: _, ...rest} = JSON.parse(good) as Record<string, unknown> // just made
    for (const text of ['', good.slice(0, -20), 'null', '[]', '\0'.repeat(100), JSON.stringify({dataDir: '/elsewhere', ...rest}), JSON.stringify({dataDir: bed.dataDir, ...rest, plugins: [{name: 'x-a'}]})]) {
      writeFileSync(path, text)
      assert.deepEqual(await versions(), ['1.0.0'], text)
    }
  })

  it('is not kept while somebody is at work on a linked plugin: a clock may be too coarse to tell', async () => {
    edit('package.json', (text) => `${text} `)
    assert.equal(makeIndex(bed.dataDir).plugins.length, 1)
    assert.equal(existsSync(path), false)
  })

  it('says where plugins have to be loaded', async () => {
    const cases: [why: RegExp, spoil: () => void][] = [
      [/^x-a: its oclif.manifest.json is of another version$/, () => edit('oclif.manifest.json', (text) => text.replace('1.0.0', '2.0.0'))],
      [/^x-a: its oclif.manifest.json is wrong$/, () => writeFileSync(join(folder, 'oclif.manifest.json'), '{"version": "1.0.0", "commands": {"x": {}}}')],
      [/^x-a: .*JSON/, () => writeFileSync(join(folder, 'oclif.manifest.json'), '{')],
      [/^x-a: its package.json is of no plugin, or of another one$/, () => edit('package.json', (text) => text.replace('"x-a"', '"x-b"'))],
      [/plugins.lock.json cannot be read/, () => writeFileSync(join(bed.dataDir, 'plugins.lock.json'), '{')],
    ]
    for (const [why, spoil] of cases) {
      spoil()
      const {plugins, odd} = make()
      assert.deepEqual(plugins, [])
      assert.match(odd ?? '', why)
      assert.deepEqual(await pluginIndex(bed.dataDir), {plugins: [], odd})
    }
  })

  it('goes with the last plugin, and leaves that of another version of cgpu alone', async () => {
    const other = join(bed.dataDir, 'plugins.index-99.json')
    writeFileSync(other, 'theirs')
    make()
    await bed.installer().uninstall('x-a')
    assert.deepEqual([existsSync(path), readFileSync(other, 'utf8')], [false, 'theirs'])
    assert.deepEqual(await pluginIndex(bed.dataDir), {plugins: []})
  })
})

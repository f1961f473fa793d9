import assert from 'node:assert/strict'
import {mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as fc from 'fast-check'
import {CgpuError} from '../errors.ts'
import {FolderDefaults} from './folder.ts'
import {findProjectFile, readProjectFile} from './project.ts'
import {type ResolveInput, resolveSettings, type Settings} from './resolve.ts'
import {settings} from './settings.ts'
import {ConfigStore} from './store.ts'

describe('settings', () => {
  let home = ''
  let cwd = ''
  let configDir = ''
  let warnings: string[] = []
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'cgpu-config-'))
    cwd = join(home, 'project', 'src')
    configDir = join(home, '.config', 'cgpu')
    await mkdir(cwd, {recursive: true})
    await mkdir(configDir, {recursive: true})
    warnings = []
  })
  afterEach(() => rm(home, {recursive: true, force: true}))

  const resolve = (more: Partial<ResolveInput> = {}): Promise<Settings> =>
    resolveSettings({env: {}, cwd, configDir, home, onWarning: message => warnings.push(message), ...more})
  const userConfig = (config: unknown): Promise<void> => writeFile(join(configDir, 'config.json'), JSON.stringify({version: 1, ...Object(config)}))
  const project = (yaml: string, folder = join(home, 'project')): Promise<void> => writeFile(join(folder, 'cgpu.yaml'), yaml)

  it('have distinct keys and variables named after them', () => {
    assert.equal(new Set(settings.map(one => one.key)).size, settings.length)
    for (const {key, env, description, instead = []} of settings) {
      assert.match(key, /^[a-z]+(-[a-z]+)*$/)
      assert.equal(env, `CGPU_${key.toUpperCase().replaceAll('-', '_')}`)
      assert.match(description, /^[a-z].*[^.]$/)
      for (const other of instead) assert.ok(settings.find(one => one.key === other)?.instead?.includes(key))
    }
  })

  describe('resolving', () => {
    it('gives defaults and origins when nothing is set', async () => {
      const found = await resolve()
      assert.deepEqual(found.get('provider'), {key: 'provider', value: 'local', source: 'default', origin: 'default'})
      assert.deepEqual(found.get('gpu'), {key: 'gpu', value: undefined, source: 'default', origin: 'not set'})
      assert.deepEqual([found.text('provider'), found.text('gpu'), found.on('keep'), found.on('nonsense')], ['local', undefined, false, false])
      assert.deepEqual(found.all.map(one => one.key), settings.map(one => one.key))
      assert.deepEqual(await readdir(configDir), [])
    })

    it('prefers flag, environment, folder, project, profile, user, default, in this order', async () => {
      const projectPath = join(home, 'project', 'cgpu.yaml')
      const userPath = join(configDir, 'config.json')
      await userConfig({settings: {runtime: 'user', profile: 'p'}, profiles: {p: {runtime: 'profile'}}})
      await project('runtime: project\n')
      const full: Partial<ResolveInput> = {flags: {runtime: 'flag'}, env: {CGPU_RUNTIME: 'env'}, folderRuntime: {folder: '/f', runtime: 'folder'}}
      const seen = async (more: Partial<ResolveInput>): Promise<unknown[]> => {
        const found = (await resolve(more)).get('runtime')
        return [found?.value, found?.source, found?.origin]
      }
      assert.deepEqual(await seen(full), ['flag', 'flag', 'flag --runtime'])
      assert.deepEqual(await seen({...full, flags: {runtime: undefined}}), ['env', 'environment', 'environment CGPU_RUNTIME'])
      assert.deepEqual(await seen({folderRuntime: full.folderRuntime}), ['folder', 'folder', 'cgpu runtime use, in /f'])
      assert.deepEqual(await seen({}), ['project', 'project', `project file ${projectPath}:1`])
      await project('')
      assert.deepEqual(await seen({}), ['profile', 'profile', `profile p in ${userPath}`])
      await userConfig({settings: {runtime: 'user'}})
      assert.deepEqual(await seen({}), ['user', 'user', `user config ${userPath}`])
    })

    it('tells a flag that the command line filled from the environment', async () => {
      const found = await resolve({flags: {gpu: 't4'}, env: {CGPU_GPU: 't4'}})
      assert.equal(found.get('gpu')?.origin, 'environment CGPU_GPU')
    })

    it('lets the strongest of gpu, tpu and cpu win alone', async () => {
      await userConfig({settings: {gpu: 't4'}})
      const byFlag = await resolve({flags: {tpu: 'v5e'}})
      assert.deepEqual([byFlag.text('gpu'), byFlag.text('tpu')], [undefined, 'v5e'])
      const onCpu = await resolve({flags: {cpu: true}})
      assert.deepEqual([onCpu.text('gpu'), onCpu.on('cpu')], [undefined, true])
      const notOnCpu = await resolve({flags: {cpu: false}})
      assert.equal(notOnCpu.text('gpu'), 't4')
    })

    it('refuses wrong values and says where they are', async () => {
      await assert.rejects(resolve({flags: {gpu: ''}}), {code: 'INVALID_SETTING', exit: 64, message: '--gpu cannot be empty'})
      await assert.rejects(resolve({env: {CGPU_KEEP: 'maybe'}}), {code: 'INVALID_SETTING', exit: 64, message: 'CGPU_KEEP must be true or false, not "maybe"'})
      await assert.rejects(resolve({env: {CGPU_GPU: 'a\u001b[31m'}}), {code: 'INVALID_SETTING', message: 'CGPU_GPU holds control characters'})
      await assert.rejects(resolve({flags: {image: 'x'.repeat(5000)}}), {code: 'INVALID_SETTING', message: /too long \(5000/})
      await userConfig({settings: {gpu: 5}})
      await assert.rejects(resolve(), {code: 'CONFIG_INVALID', exit: 65, fix: 'cgpu config unset gpu'})
      await userConfig({settings: {profile: 'p'}, profiles: {p: {gpu: null}}})
      await assert.rejects(resolve(), {code: 'CONFIG_INVALID', fix: 'cgpu config unset --profile p gpu', message: /"gpu" must be text, not empty/})
    })

    it('takes empty variables as not set, and yes and no in usual spellings', async () => {
      const found = await resolve({env: {CGPU_GPU: '', CGPU_KEEP: ' Yes ', CGPU_QUIET: '0'}})
      assert.deepEqual([found.text('gpu'), found.on('keep'), found.on('quiet')], [undefined, true, false])
    })

    it('warns of a setting that it does not know and goes on', async () => {
      await userConfig({settings: {'gup': 't4', provider: 'colab'}})
      assert.equal((await resolve()).text('provider'), 'colab')
      assert.match(warnings.join(), /does not know: "gup" \(did you mean "gpu"\?\)/)
    })

    it('refuses an unknown profile with those that there are', async () => {
      await userConfig({profiles: {work: {gpu: 'l4'}, hobby: {}}})
      await assert.rejects(resolve({flags: {profile: 'wrok'}}), {code: 'UNKNOWN_PROFILE', exit: 64, fix: 'did you mean "work"?'})
      await assert.rejects(resolve({flags: {profile: 'toString'}}), {code: 'UNKNOWN_PROFILE', fix: 'choose one of: work, hobby'})
      assert.equal((await resolve({env: {CGPU_PROFILE: 'work'}})).text('gpu'), 'l4')
    })

    it('prefers the profile of the project file', async () => {
      await userConfig({profiles: {work: {gpu: 'l4', kernel: 'mine'}}})
      await project('profile: work\nprofiles:\n  work:\n    gpu: a100\n')
      const found = await resolve()
      assert.deepEqual([found.text('gpu'), found.text('kernel')], ['a100', 'mine'])
      assert.match(found.get('gpu')?.origin ?? '', /^profile work in .*cgpu\.yaml:4$/)
    })

    it('goes on with the backup when config.json is broken', async () => {
      const store = new ConfigStore(configDir)
      await store.set('gpu', 't4')
      await store.set('kernel', 'colab')
      await writeFile(store.path, '')
      const found = await resolve()
      assert.deepEqual([found.text('gpu'), found.text('kernel')], ['t4', undefined])
      assert.match(warnings.join(), /config\.json was broken \(empty\)/)
    })

    it('finds a file that a newer cgpu wrote', async () => {
      await writeFile(join(configDir, 'config.json'), '{"version": 9, "settings": {"gpu": "t4"}}')
      assert.equal((await resolve()).text('gpu'), 't4')
      await assert.rejects(new ConfigStore(configDir).set('gpu', 'l4'), {code: 'STATE_TOO_NEW', exit: 73})
    })
  })

  describe('the project file', () => {
    it('is the nearest one within the repository or the home folder', async () => {
      assert.equal(findProjectFile(cwd, home), undefined)
      await project('gpu: home\n', home)
      assert.equal(findProjectFile(cwd, home), join(home, 'cgpu.yaml'))
      await project('gpu: project\n')
      assert.equal(findProjectFile(cwd, home), join(home, 'project', 'cgpu.yaml'))
      await mkdir(join(cwd, '.git'))
      assert.equal(findProjectFile(cwd, home), undefined)
    })

    it('is not looked for above a folder that is outside of home and of any repository', async () => {
      await project('gpu: planted\n')
      assert.equal(findProjectFile(cwd, '/nonexistent'), undefined)
      assert.equal(findProjectFile(join(home, 'project'), '/nonexistent'), join(home, 'project', 'cgpu.yaml'))
      await mkdir(join(home, 'project', '.git'))
      assert.equal(findProjectFile(cwd, '/nonexistent'), join(home, 'project', 'cgpu.yaml'))
    })

    it('is found from a linked folder', async () => {
      await project('gpu: t4\n')
      await symlink(cwd, join(home, 'link'))
      assert.equal(findProjectFile(join(home, 'link'), home), join(home, 'project', 'cgpu.yaml'))
    })

    it('declares hooks', async () => {
      await project('hooks:\n  execution:before: {run: ./check.sh}\n  execution:after:\n    - run: [notify, "a b"]\n      timeout: 0.5\n    - url: https://x.example/y\n      headers: {A: "${B}"}\n')
      const {hooks} = await readProjectFile(join(home, 'project', 'cgpu.yaml'))
      assert.deepEqual(hooks, [
        {event: 'execution:before', timeoutMs: 2000, run: './check.sh'}, {event: 'execution:after', timeoutMs: 500, run: ['notify', 'a b']},
        {event: 'execution:after', timeoutMs: 2000, url: 'https://x.example/y', headers: {A: '${B}'}},
      ])
    })

    it('takes YAML spellings as they were meant', async () => {
      await project('# for training\ngpu: 4090\nkeep: yes\nhigh-ram: true\npython: 3.10\nimage: null-island\n')
      const found = await resolve()
      assert.deepEqual([found.text('gpu'), found.on('keep'), found.on('high-ram'), found.text('python'), found.text('image')], ['4090', true, true, '3.10', 'null-island'])
    })

    for (const [what, yaml, message] of [
      ['a typing mistake in a key', 'keep: true\ngup: t4\n', /cgpu\.yaml:2: there is no setting "gup"/],
      ['a wrong type', 'gpu:\n  - t4\n', /cgpu\.yaml:1: "gpu" must be text, not a group/],
      ['an empty value', 'gpu:\n', /cgpu\.yaml:1: "gpu" must be text, not empty/],
      ['no boolean', 'provider: local\nkeep: perhaps\n', /cgpu\.yaml:2: "keep" must be true or false, not "perhaps"/],
      ['broken YAML', 'gpu: "t4\n', /cgpu\.yaml:\d: /],
      ['a key twice', 'gpu: t4\ngpu: l4\n', /cgpu\.yaml:2: /],
      ['a list', '- gpu\n', /cgpu\.yaml:1: expected settings/],
      ['profiles that are none', 'profiles: 3\n', /"profiles" must be a group/],
      ['a wrong setting in a profile', 'profiles:\n  a:\n    profiles: {}\n', /cgpu\.yaml:3: there is no setting "profiles"/],
      ...settings.filter(({key}) => /-url$|^client-config$|^keyring$|^colab-emulator$/.test(key)).flatMap(({key}): [string, string, RegExp][] => [
        [`${key}, which is each person's own`, `${key}: https://evil.example\n`, /cgpu\.yaml:1: "[a-z-]+" is not for project files/],
        [`${key} in a profile`, `profiles:\n  a:\n    ${key}: https://evil.example\n`, /cgpu\.yaml:3: "[a-z-]+" is not for project files/],
      ]),
      ['an unknown event of a hook', 'gpu: t4\nhooks:\n  exec:\n    run: x\n', /cgpu\.yaml:2: "hooks" knows no event "exec": choose one of execution:before/],
      ['a hook that says nothing', 'hooks:\n  execution:after: {}\n', /cgpu\.yaml:1: a hook of execution:after must say either "run" or "url"/],
      ['a hook for a plain address', 'hooks:\n  execution:after:\n    - url: http://example.com\n', /needs an https address/],
      ['a hook with a word too much', 'hooks:\n  execution:after:\n    - run: x\n      shell: bash\n', /knows no "shell"/],
      ['a hook that takes for ever', 'hooks:\n  execution:after:\n    - run: x\n      timeout: 3600\n', /needs a "timeout" in seconds, at most 60/],
      ['an alias bomb in hooks', `hooks:\n  execution:after:\n    - &a [x, x]\n${Array.from({length: 30}, () => '    - [*a, *a]').join('\n')}\n`, /cgpu\.yaml/],
      ['an alias bomb', `a: &a [x,x]\n${Array.from({length: 30}, (_, index) => `b${index}: [*a,*a]`).join('\n')}\n`, /cgpu\.yaml:1: there is no setting "a"/],
      ['deep nesting', `gpu: ${'['.repeat(20_000)}`, /cgpu\.yaml/],
      ['__proto__', '__proto__:\n  gpu: t4\n', /there is no setting "__proto__"/],
      ['a giant file', `gpu: ${'x'.repeat(2 ** 20)}`, /bigger than 1 MB/],
    ] as const) {
      it(`is refused with ${what}, naming the line`, async () => {
        await project(yaml)
        await assert.rejects(resolve(), (error: unknown) => {
          assert.ok(error instanceof CgpuError)
          assert.deepEqual([error.code, error.exit], ['PROJECT_FILE_INVALID', 65])
          assert.match(error.message, message)
          return true
        })
      }).timeout(10_000)
    }

    it('is refused when it is a folder', async () => {
      await mkdir(join(cwd, 'cgpu.yaml'))
      await assert.rejects(resolve(), {code: 'PROJECT_FILE_INVALID'})
    })

    it('is read or refused, whatever it holds', async () => {
      await fc.assert(fc.asyncProperty(fc.oneof(fc.string(), fc.string({unit: 'binary'}), fc.array(fc.constantFrom('gpu', ':', ' ', '\n', '-', '"', '{', '[', 'profiles', '&a', '*a', '!!js', '\t')).map(parts => parts.join(''))), async text => {
        await project(text)
        try {
          await readProjectFile(join(home, 'project', 'cgpu.yaml'))
        } catch (error) {
          assert.ok(error instanceof CgpuError && error.code === 'PROJECT_FILE_INVALID', String(error))
        }
      }), {numRuns: 500})
    })
  })

  describe('the user config', () => {
    it('is set, read and unset', async () => {
      const store = new ConfigStore(configDir)
      assert.equal(await store.get('gpu'), undefined)
      assert.equal(await store.set('gpu', 't4'), 't4')
      assert.equal(await store.set('keep', 'yes'), true)
      assert.deepEqual(JSON.parse(await readFile(store.path, 'utf8')), {version: 1, settings: {gpu: 't4', keep: true}, profiles: {}})
      assert.equal(await store.get('gpu'), 't4')
      assert.deepEqual([await store.unset('gpu'), await store.unset('gpu'), await store.get('gpu')], [true, false, undefined])
    })

    it('has profiles, which vanish with their last setting', async () => {
      const store = new ConfigStore(configDir)
      await store.set('gpu', 'l4', {profile: 'work'})
      assert.deepEqual([await store.profiles(), await store.get('gpu', {profile: 'work'}), await store.get('gpu')], [['work'], 'l4', undefined])
      await store.unset('gpu', {profile: 'work'})
      assert.deepEqual(await store.profiles(), [])
      await assert.rejects(store.set('gpu', 'l4', {profile: 'No Name'}), {code: 'INVALID_NAME'})
      await assert.rejects(store.set('profile', 'a', {profile: 'b'}), {code: 'INVALID_SETTING'})
    })

    it('refuses unknown keys with a suggestion, and wrong values, writing nothing', async () => {
      const store = new ConfigStore(configDir)
      await assert.rejects(store.set('proivder', 'x'), {code: 'UNKNOWN_SETTING', exit: 64, fix: 'did you mean "provider"?'})
      await assert.rejects(store.get('\u001b[31m'), {code: 'UNKNOWN_SETTING', message: String.raw`there is no setting "\x1b[31m"`})
      await assert.rejects(store.unset('__proto__'), {code: 'UNKNOWN_SETTING'})
      await assert.rejects(store.set('keep', 'maybe'), {code: 'INVALID_SETTING', exit: 64})
      await assert.rejects(store.set('gpu', '  '), {code: 'INVALID_SETTING', message: '"gpu" cannot be empty'})
      assert.deepEqual(await readdir(configDir), [])
    })

    it('can rid itself of what it does not know, and keeps it otherwise', async () => {
      await userConfig({settings: {future: {deep: 1}}, accounts: ['kept']})
      const store = new ConfigStore(configDir)
      await store.set('gpu', 't4')
      assert.deepEqual(JSON.parse(await readFile(store.path, 'utf8')), {version: 1, accounts: ['kept'], settings: {future: {deep: 1}, gpu: 't4'}, profiles: {}})
      assert.equal(await store.unset('future'), true)
    })

    it('loses nothing when many set at once', async () => {
      const keys = ['gpu', 'kernel', 'image', 'python', 'runtime']
      await Promise.all(keys.map(key => new ConfigStore(configDir).set(key, `${key}-value`)))
      const found = await resolve()
      assert.deepEqual(keys.map(key => found.get(key)?.value), keys.map(key => `${key}-value`))
    })
  })

  describe('folder defaults', () => {
    it('hold for a folder and those below it, also through links', async () => {
      const folders = new FolderDefaults(join(home, 'state'))
      await folders.set(join(home, 'project'), 'local-1')
      assert.deepEqual(await folders.get(cwd), {folder: join(home, 'project'), runtime: 'local-1'})
      await folders.set(cwd, 'local-2')
      assert.equal((await folders.get(cwd))?.runtime, 'local-2')
      assert.equal((await folders.get(join(home, 'project')))?.runtime, 'local-1')
      assert.equal(await folders.get(home), undefined)
      await symlink(cwd, join(home, 'link'))
      assert.equal((await folders.get(join(home, 'link')))?.runtime, 'local-2')
      assert.deepEqual([await folders.unset(cwd), await folders.unset(cwd)], [true, false])
      assert.equal((await folders.get(cwd))?.runtime, 'local-1')
    })

    it('forget a released runtime everywhere', async () => {
      const folders = new FolderDefaults(join(home, 'state'))
      await folders.set(cwd, 'a')
      await folders.set(home, 'a')
      await folders.set(join(home, 'project'), 'b')
      await folders.forget('a')
      assert.equal((await folders.get(cwd))?.runtime, 'b')
      assert.equal(await folders.get(home), undefined)
    })
  })
})

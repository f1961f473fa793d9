import assert from 'node:assert/strict'
import {mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {SecretStore} from '../provider.ts'
import {SecretGrants} from './grants.ts'
import {SecretSources} from './sources.ts'
import {SecretVault} from './vault.ts'

class MemoryStore implements SecretStore {
  readonly texts = new Map<string, string>()
  get = async (key: string): Promise<string | undefined> => this.texts.get(key)
  set = async (key: string, value: string): Promise<void> => void this.texts.set(key, value)
  delete = async (key: string): Promise<void> => void this.texts.delete(key)
}

describe('secrets', () => {
  let folder: string
  let configDir: string
  let cwd: string
  const warnings: string[] = []
  const onWarning = (message: string): void => void warnings.push(message)
  const vault = (keyring?: () => Promise<SecretStore>): SecretVault => new SecretVault({configDir, keyring, onWarning})
  const sources = (env: NodeJS.ProcessEnv = {}): SecretSources => new SecretSources({env, cwd, vault: vault(), home: folder})

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-secrets-'))
    configDir = join(folder, 'config')
    cwd = join(folder, 'work')
    await mkdir(cwd)
    warnings.length = 0
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  describe('the store', () => {
    it('keeps values in a file that only their owner reads, and forgets them', async () => {
      assert.equal(await vault().set('HF_TOKEN', 'hf_1'), 'file')
      assert.equal(await vault().get('HF_TOKEN'), 'hf_1')
      assert.deepEqual(await vault().places(), {HF_TOKEN: 'file'})
      for (const name of ['secrets.json', 'secret-names.json']) assert.equal((await stat(join(configDir, name))).mode & 0o777, 0o600)
      assert.equal(await vault().delete('HF_TOKEN'), true)
      assert.equal(await vault().delete('HF_TOKEN'), false)
      assert.equal(await vault().get('HF_TOKEN'), undefined)
      for (const name of await readdir(configDir)) assert.doesNotMatch(await readFile(join(configDir, name), 'utf8'), /hf_1/)
    })

    it('prefers the keyring, and writes no value then', async () => {
      const keyring = new MemoryStore()
      assert.equal(await vault(async () => keyring).set('HF_TOKEN', 'hf_2'), 'keyring')
      assert.deepEqual([...keyring.texts.values()], ['hf_2'])
      assert.equal(await vault(async () => keyring).get('HF_TOKEN'), 'hf_2')
      for (const name of await readdir(configDir)) assert.doesNotMatch(await readFile(join(configDir, name), 'utf8'), /hf_2/)
      assert.equal(await vault(async () => keyring).delete('HF_TOKEN'), true)
      assert.equal(keyring.texts.size, 0)
    })

    it('takes the file, and says so, where the keyring cannot be used', async () => {
      const locked = (): Promise<SecretStore> => Promise.reject(new Error('the keyring cannot be used: locked'))
      assert.equal(await vault(locked).set('HF_TOKEN', 'hf_3'), 'file')
      assert.match(warnings.join('\n'), /locked; the secret is kept in .*secrets\.json/)
      assert.equal(await vault(locked).get('HF_TOKEN'), 'hf_3')
    })
  })

  describe('their sources', () => {
    it('are asked in order: environment, .env, store', async () => {
      await vault().set('A', 'from the store')
      assert.equal(await sources().find('A'), 'from the store')
      await writeFile(join(cwd, '.env'), 'A="from the file"\nB=\n')
      assert.equal(await sources().find('A'), 'from the file')
      assert.equal(await sources({A: 'from here'}).find('A'), 'from here')
      assert.equal(await sources({A: ''}).find('A'), 'from the file')
      assert.equal(await sources().find('B'), undefined)
      assert.equal(await sources().find('toString'), undefined)
      assert.deepEqual([...(await sources({A: 'x', PATH: '/bin'}).known())], [['A', ['environment', '.env', 'file']], ['B', []]])
    })

    it('include the .env of the project\'s folder from below it', async () => {
      const below = join(cwd, 'src', 'deep')
      await mkdir(below, {recursive: true})
      await writeFile(join(cwd, 'cgpu.yaml'), '')
      await writeFile(join(cwd, '.env'), 'A=1')
      await mkdir(join(cwd, '.git'))
      assert.equal(await new SecretSources({env: {}, cwd: below, vault: vault(), home: folder}).find('A'), '1')
    })

    it('pass over a folder of that name, and name the line of a broken file', async () => {
      await mkdir(join(cwd, '.env'))
      assert.equal(await sources().find('A'), undefined)
      await rm(join(cwd, '.env'), {recursive: true})
      await writeFile(join(cwd, '.env'), 'fine=1\nsup3r secret\n')
      await assert.rejects(sources().find('A'), (error: Error & {code?: string}) => {
        assert.equal(error.code, 'ENV_FILE_INVALID')
        assert.match(error.message, /\.env:2: /)
        assert.doesNotMatch(error.message, /sup3r/)
        return true
      })
    })
  })

  describe('grants', () => {
    it('answer for what was granted; of the rest they tell no value', async () => {
      await vault().set('A', 'a')
      await vault().set('B', 'b')
      const grants = await SecretGrants.of(['A', 'C', 'A'], sources({C: 'c', D: 'd'}))
      assert.deepEqual(grants.env(), {A: 'a', C: 'c'})
      assert.deepEqual(await grants.ask('A'), {exists: true, access: true, value: 'a'})
      assert.deepEqual(await grants.ask('B'), {exists: true, access: false})
      assert.deepEqual(await grants.ask('D'), {exists: false, access: false})
      assert.deepEqual(await grants.ask('__proto__'), {exists: false, access: false})
    })

    it('of a name without a value fail, with the name that was meant', async () => {
      await vault().set('HF_TOKEN', 'a')
      await assert.rejects(SecretGrants.of(['HF_TOKNE'], sources()), {code: 'SECRET_NOT_FOUND', exit: 66, fix: /did you mean "HF_TOKEN"\?/})
      await assert.rejects(SecretGrants.of(['OTHER'], sources()), {code: 'SECRET_NOT_FOUND', fix: /cgpu secret set OTHER/})
      await assert.rejects(SecretGrants.of(['A b'], sources()), {code: 'INVALID_SECRET_NAME', exit: 64})
    })

    it('come from a plugin\'s source where one is named, the last of one name', async () => {
      const asked: string[] = []
      const found: string[] = []
      const of = (...names: string[]) => SecretGrants.of(names, new SecretSources({
        env: {A: 'mine'}, cwd, vault: vault(), home: folder, onFound: (value) => void found.push(value),
        fromPlugin: async ({name, source, reference}) => {
          asked.push(`${name} ${source} ${reference}`)
          return `${source}'s`
        },
      }))
      assert.deepEqual((await of('A', 'A=vault:kv/app#a=b:c', 'B=aws-sm:x')).env(), {A: 'vault\'s', B: 'aws-sm\'s'})
      assert.deepEqual(asked, ['A vault kv/app#a=b:c', 'B aws-sm x'])
      assert.deepEqual(found, ['vault\'s', 'aws-sm\'s'])
      assert.deepEqual((await of('A=vault:x', 'A')).env(), {A: 'mine'})
      await assert.rejects(SecretGrants.of(['A=vault:x'], sources()), {code: 'SECRET_SOURCE_UNKNOWN', exit: 64, message: /"vault", which A is to come from/})
    })

    it('of what may be a value typed by mistake fail without showing it', async () => {
      for (const text of ['A=hunter2', 'A=Hunter2:x', 'A=', 'A=vault:', 'A=vault:a\0b', '=x', '1=hunter2']) {
        await assert.rejects(SecretGrants.of([text], sources()), (error: Error & {code?: string; fix?: string; exit?: number}) => {
          assert.match(error.code ?? '', /^INVALID_SECRET_(REFERENCE|NAME)$/)
          assert.equal(error.exit, 64)
          assert.doesNotMatch(`${error.message} ${error.fix}`, /hunter2/i)
          return true
        })
      }
    })
  })
})

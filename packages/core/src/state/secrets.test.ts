import assert from 'node:assert/strict'
import {chmod, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {FileSecretStore} from './secrets.ts'

describe('FileSecretStore', () => {
  let folder = ''
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'cgpu-secrets-')) })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  it('keeps secrets by key, in a file for its owner only', async () => {
    const store = new FileSecretStore(folder)
    assert.equal(await store.get('a'), undefined)
    await store.set('a', 'first\0\n"')
    await store.set('b', 'second')
    assert.equal(await new FileSecretStore(folder).get('a'), 'first\0\n"')
    assert.equal(await store.get('toString'), undefined)
    if (process.platform !== 'win32') assert.equal((await stat(store.path)).mode & 0o777, 0o600)
  })

  it('keeps nothing of a deleted or replaced secret', async () => {
    const store = new FileSecretStore(folder)
    await store.set('a', 'very-secret')
    await store.set('a', 'another-one')
    await store.delete('a')
    await store.delete('never-there')
    assert.equal(await store.get('a'), undefined)
    for (const name of await readdir(folder)) assert.doesNotMatch(await readFile(join(folder, name), 'utf8'), /very-secret|another-one/)
  })

  it('refuses a file that others may read or write, and says how to correct it', async function () {
    if (process.platform === 'win32') return
    const store = new FileSecretStore(folder)
    await store.set('a', 'very-secret')
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      await chmod(store.path, mode)
      const wanted = {code: 'SECRETS_EXPOSED', exit: 67, fix: `chmod 600 ${store.path}`}
      await assert.rejects(store.get('a'), wanted)
      await assert.rejects(store.set('b', 'x'), wanted)
    }
    await chmod(store.path, 0o600)
    assert.equal(await store.get('a'), 'very-secret')
  })

  it('sets a broken file aside', async () => {
    const warnings: string[] = []
    const store = new FileSecretStore(folder, {onWarning: message => warnings.push(message)})
    await writeFile(store.path, '{"secrets": {"a": 1}}', {mode: 0o600})
    assert.equal(await store.get('a'), undefined)
    assert.match(warnings.join(), /secrets\.json was broken/)
  })
})

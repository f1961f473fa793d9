import assert from 'node:assert/strict'
import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {refusal} from '../../../test/helpers/accounts-bed.ts'
import {readClientConfig, readJsonFile} from './client-config.ts'
import {scopesNamed} from './scope-names.ts'

describe('a file with an OAuth client', () => {
  let folder: string
  const file = async (content: unknown): Promise<string> => {
    const path = join(folder, 'client.json')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-client-'))
  })
  after(() => rm(folder, {recursive: true}))

  const installed = {client_id: '1-a.apps.googleusercontent.com', project_id: 'p', auth_uri: 'https://accounts.google.com/o/oauth2/auth', client_secret: 'GOCSPX-1', redirect_uris: ['http://localhost']}
  it('as the console gives it for a desktop app', async () => {
    assert.deepEqual(await readClientConfig(await file({installed})), {id: installed.client_id, secret: 'GOCSPX-1'})
  })
  it('as the console gives it for the web: with the one address that it may be called back on', async () => {
    const web = {...installed, redirect_uris: ['https://example.com/back', 'http://127.0.0.1:8766/back']}
    assert.deepEqual(await readClientConfig(await file({web})), {id: installed.client_id, secret: 'GOCSPX-1', redirectUri: 'http://127.0.0.1:8766/back'})
  })
  it('for the web without an address on this machine is of no use', async () => {
    await assert.rejects(readClientConfig(await file({web: {...installed, redirect_uris: ['https://example.com/back']}})), refusal('CLIENT_CONFIG_INVALID', 65, /Desktop app/))
  })
  it('with the two fields alone, or the id alone', async () => {
    assert.deepEqual(await readClientConfig(await file({client_id: 'a', client_secret: 'b'})), {id: 'a', secret: 'b'})
    assert.deepEqual(await readClientConfig(await file({client_id: 'a'})), {id: 'a'})
  })
  for (const bad of [{}, [], null, {installed: {}}, {client_id: ''}, {client_id: 'a b'}, {client_id: 1}, {installed: {client_id: 'a\n'}}]) {
    it(`is not ${JSON.stringify(bad)}`, async () => {
      await assert.rejects(readClientConfig(await file(bad)), refusal('CLIENT_CONFIG_INVALID', 65))
    })
  }
  it('that is no JSON, not there, a folder, or too big is said to be so', async () => {
    await assert.rejects(readClientConfig(await file('{"installed":')), refusal('INVALID_JSON', 65))
    await assert.rejects(readClientConfig(join(folder, 'nowhere.json')), refusal('FILE_NOT_FOUND', 66))
    await assert.rejects(readClientConfig(folder), refusal('FILE_NOT_FOUND', 66))
    await assert.rejects(readClientConfig(await file('x'.repeat(1024 * 1024 + 1))), refusal('INPUT_TOO_BIG', 65))
  })
  it('a secret that others may read is refused', async () => {
    const path = await file({client_id: 'a'})
    await chmod(path, 0o640)
    await assert.rejects(readJsonFile(path, 'key', true), refusal('SECRETS_EXPOSED', 67, /mode 640[\s\S]*chmod 600/))
  })
})

describe('names of scopes', () => {
  it('are the ends of their URLs', () => {
    assert.deepEqual(scopesNamed(['drive', 'drive.file, openid']), ['https://www.googleapis.com/auth/drive', 'https://www.googleapis.com/auth/drive.file', 'openid'])
    assert.deepEqual(scopesNamed(['https://www.googleapis.com/auth/bigquery']), ['https://www.googleapis.com/auth/bigquery'])
  })
  it('that are not known get a did-you-mean', () => {
    assert.throws(() => scopesNamed(['drvie']), refusal('UNKNOWN_SCOPE', 64, /did you mean "drive"/))
  })
})

import assert from 'node:assert/strict'
import {auth, drive} from '@googleapis/drive'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'

describe('Drive between a machine and the API, emulated', function () {
  this.timeout(120_000)
  let bed: TestEmulator
  let home: EmulatorHome
  before(async () => {
    bed = await startTestEmulator({scenario: {accounts: [{email: 'me@example.com', tier: 'pro', balance: 100, consent: {drive: true}}]}})
    home = await bed.home()
    await home.data(['runtime', 'create', '--provider', 'colab', '--cpu', '--name', 'box'])
  })
  after(() => bed.stop())

  const exec = async (code: string): Promise<string> => {
    const ran = await home.cli(['exec', '-r', 'box', code])
    assert.equal(ran.status, 0, ran.stderr)
    return ran.stdout
  }

  it('shows the same files on both sides', async () => {
    const client = new auth.OAuth2()
    client.setCredentials({access_token: bed.token()})
    const at = {rootUrl: `${bed.url}/`}
    const api = drive({version: 'v3', auth: client, ...at})
    const before = await api.files.create({requestBody: {name: 'before.txt'}, media: {mimeType: 'text/plain', body: 'made before'}}, at)
    const mounted = await home.cli(['drive', 'mount', '-r', 'box'])
    assert.equal(mounted.status, 0, mounted.stderr)
    const place = '/content/drive/MyDrive'
    assert.equal(await exec(`print(open('${place}/before.txt').read())`), 'made before\n')

    await exec(`import os; os.makedirs('${place}/out'); open('${place}/out/model.bin', 'wb').write(b'x' * 100_000); open('${place}/before.txt', 'a').write(', changed there')`)
    const {data} = await api.files.list({q: "name = 'model.bin'", fields: 'files(id,size,parents,owners/emailAddress)'})
    assert.deepEqual(data.files?.map((file) => [file.size, file.owners?.[0]?.emailAddress]), [['100000', 'me@example.com']])
    assert.equal((await api.files.get({fileId: before.data.id ?? '', alt: 'media'}, {responseType: 'text'})).data, 'made before, changed there')

    await api.files.create({requestBody: {name: 'later.txt', parents: data.files?.[0]?.parents ?? []}, media: {mimeType: 'text/plain', body: 'made later'}}, at)
    await api.files.delete({fileId: data.files?.[0]?.id ?? ''})
    assert.equal(await exec(`import os; print(os.listdir('${place}/out'), open('${place}/out/later.txt').read())`), "['later.txt'] made later\n")
  })
})

import assert from 'node:assert/strict'
import {fetched, type GoogleAccess} from '@cgpu/plugin-sdk'
import {DriveBed, tokenFor} from '../../../../test/helpers/drive.ts'
import {readNotebook, writeNotebook} from './client.ts'
import {Drive} from './drive.ts'
import {mime} from './files.ts'
import {findFolder} from './find.ts'

const scope = (name: string): string => `https://www.googleapis.com/auth/${name}`
const bytesOf = (text: string): Buffer => Buffer.from(JSON.stringify({nbformat: 4, nbformat_minor: 0, metadata: {}, cells: [], text}))

/** What the CLI gives the plugin, for an account of the bed; `meddle` may answer instead of Drive, or break the line. */
function accessOf(bed: DriveBed, scopes: string[], meddle: (url: URL, method: string, body: Uint8Array | string | undefined) => Response | undefined = () => undefined): GoogleAccess {
  return {
    account: {id: 'google:ada@example.com', email: 'ada@example.com', scopes: scopes.map(scope)}, drive: bed.url, colab: 'https://colab.research.google.com',
    async fetch(address, {method = 'GET', headers = {}, body, signal} = {}) {
      const url = new URL(address)
      const answer = meddle(url, method, body) ?? await fetch(url, {
        method, headers: {...headers, authorization: `Bearer ${tokenFor('ada@example.com', scopes, 'client-1')}`}, redirect: 'manual',
        ...(body === undefined ? {} : {body: typeof body === 'string' ? body : new Uint8Array(body)}), ...(signal ? {signal} : {}),
      })
      return fetched({status: answer.status, headers: Object.fromEntries(answer.headers), url: address}, new Uint8Array(await answer.arrayBuffer()))
    },
  }
}

describe('notebooks in Drive', () => {
  let bed: DriveBed
  const waits: number[] = []
  const open = (scopes = ['drive'], meddle?: Parameters<typeof accessOf>[2]): Drive => new Drive({access: accessOf(bed, scopes, meddle), wait: async (ms) => void waits.push(ms)})
  let drive: Drive
  before(async () => {
    bed = await DriveBed.open()
    drive = open()
  })
  after(() => bed.close())

  it('are written, found by name, path, id and address, and read again', async () => {
    const api = bed.client()
    const folder = (await api.files.create({requestBody: {name: 'lab', mimeType: mime.folder}})).data.id ?? ''
    const {file, created} = await writeNotebook(drive, 'lab/first', bytesOf('one'))
    assert.deepEqual([created, file.name, file.mimeType, file.parents], [true, 'first.ipynb', mime.colab, [folder]])
    for (const ref of ['first', 'first.ipynb', 'drive:first.ipynb', 'lab/first', file.id, `https://colab.research.google.com/drive/${file.id}?authuser=1#scrollTo=x`, `https://drive.google.com/file/d/${file.id}/view`]) {
      assert.equal((await readNotebook(drive, ref)).bytes.toString(), bytesOf('one').toString(), ref)
    }
    assert.equal(await findFolder(drive, 'lab'), folder)
    const again = await writeNotebook(drive, 'lab/first', bytesOf('two'), {expected: file.revision})
    assert.deepEqual([again.created, again.file.id, again.file.mimeType], [false, file.id, mime.colab])
    await assert.rejects(writeNotebook(drive, 'first', bytesOf('three'), {expected: file.revision}), {code: 'DRIVE_CHANGED', exit: 72})
    assert.equal((await readNotebook(drive, 'first')).bytes.toString(), bytesOf('two').toString())
  })
})

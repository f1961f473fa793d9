import assert from 'node:assert/strict'
import {fetched, type GoogleAccess} from '@cgpu/plugin-sdk'
import {DriveBed, tokenFor} from '../../../../test/helpers/drive.ts'
import {Drive} from '../drive/drive.ts'
import {driveFiles} from './drive.ts'

const notebook = (source: string): Blob => new Blob([JSON.stringify({nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [{cell_type: 'markdown', id: 'a', source, metadata: {}}]})])

function accessOf(bed: DriveBed): GoogleAccess {
  return {
    account: {id: 'google:ada@example.com', email: 'ada@example.com', scopes: ['https://www.googleapis.com/auth/drive']}, drive: bed.url, colab: 'https://colab.research.google.com',
    async fetch(address, {method = 'GET', headers = {}, body} = {}) {
      const answer = await fetch(address, {
        method, headers: {...headers, authorization: `Bearer ${tokenFor('ada@example.com', ['drive'], 'client-1')}`}, redirect: 'manual', ...(body === undefined ? {} : {body: typeof body === 'string' ? body : new Uint8Array(body)}),
      })
      return fetched({status: answer.status, headers: Object.fromEntries(answer.headers), url: address}, new Uint8Array(await answer.arrayBuffer()))
    },
  }
}

describe('notebooks at drive: addresses', () => {
  let bed: DriveBed
  before(async () => {
    bed = await DriveBed.open()
  })
  after(() => bed.close())

  it('are read, looked at, and replaced only while they are what they were', async () => {
    const {read, look, write} = driveFiles(async () => new Drive({access: accessOf(bed)}))
    assert.ok(read && look && write)
    const options = {signal: new AbortController().signal}
    const address = 'drive:addressed.ipynb'
    await assert.rejects(read(address, {...options, maxBytes: 1000}), {code: 'NOTEBOOK_NOT_FOUND', exit: 66})
    assert.equal(await look(address, options), null)
    const first = await write(address, notebook('one'), {...options, replaces: null})
    await assert.rejects(write(address, notebook('other'), {...options, replaces: null}), {code: 'COPY_CHANGED', exit: 72})
    assert.equal(await look(address, options), first)
    const second = await write(address, notebook('two'), {...options, replaces: first})
    const {data, version} = await read(address, {...options, maxBytes: 1000})
    assert.deepEqual([new TextDecoder().decode(data), version], [await notebook('two').text(), second])
    await assert.rejects(write(address, notebook('late'), {...options, replaces: first}), {code: 'COPY_CHANGED', exit: 72, message: 'drive:addressed.ipynb was changed by somebody else meanwhile'})
    await assert.rejects(read(address, {...options, maxBytes: 10}), {code: 'NOTEBOOK_INVALID', exit: 65})
  })
})

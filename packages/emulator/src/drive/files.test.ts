import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {Readable} from 'node:stream'
import {DriveBed, refusal} from '../../../../test/helpers/drive.ts'

describe('Drive files, by the official client', () => {
  let bed: DriveBed
  beforeEach(async () => { bed = await DriveBed.open() })
  afterEach(() => bed.close())

  it('makes a file with content, tells about it and gives it back', async () => {
    const drive = bed.client()
    const made = await drive.files.create({requestBody: {name: 'a.txt'}, media: {mimeType: 'text/plain', body: Readable.from(['hello ', 'world'])}, fields: '*'}, bed.at)
    assert.equal(made.data.name, 'a.txt')
    assert.equal(made.data.mimeType, 'text/plain')
    assert.equal(made.data.size, '11')
    assert.equal(made.data.md5Checksum, createHash('md5').update('hello world').digest('hex'))
    assert.equal(made.data.sha256Checksum, createHash('sha256').update('hello world').digest('hex'))
    assert.match(made.data.createdTime ?? '', /^2026-09-\d\dT.*Z$/)
    const id = made.data.id ?? ''
    const got = await drive.files.get({fileId: id})
    assert.deepEqual(got.data, {kind: 'drive#file', id, name: 'a.txt', mimeType: 'text/plain'})
    const media = await drive.files.get({fileId: id, alt: 'media'}, {responseType: 'text'})
    assert.equal(media.data, 'hello world')
    const listed = await drive.files.list({q: "name = 'a.txt'", fields: 'files(id,size,owners/emailAddress)'})
    assert.deepEqual(listed.data, {files: [{id, size: '11', owners: [{emailAddress: 'ada@example.com'}]}]})
    await drive.files.delete({fileId: id})
    assert.deepEqual(await refusal(drive.files.get({fileId: id})), {code: 404, reason: 'notFound', message: `File not found: ${id}.`})
  })
})

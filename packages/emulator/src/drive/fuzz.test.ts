import assert from 'node:assert/strict'
import fc from 'fast-check'
import {DriveBed} from '../../../../test/helpers/drive.ts'

const everyScope = ['drive', 'drive.file', 'drive.appdata']

describe('Drive under any request', function () {
  this.timeout(60_000)
  let bed: DriveBed
  let ids: string[] = []
  const warnings: Error[] = []
  const warned = (warning: Error): void => { warnings.push(warning) }
  before(async () => {
    process.on('warning', warned)
    bed = await DriveBed.open()
    const client = bed.client(undefined, everyScope)
    const folder = (await client.files.create({requestBody: {name: 'F', mimeType: 'application/vnd.google-apps.folder'}})).data.id ?? ''
    const file = (await client.files.create({requestBody: {name: 'a', parents: [folder]}, media: {body: 'text'}}, bed.at)).data.id ?? ''
    ids = ['root', 'appDataFolder', 'trash', 'none', '%00', '..', folder, file]
  })
  after(async () => {
    process.off('warning', warned)
    await bed.close()
  })

  const id = fc.nat({max: 7}).map((at) => ids[at] ?? 'none')
  const value = fc.oneof(id, fc.constantFrom('', '*', 'true', 'media', 'resumable', 'multipart', '1', '-1', '1e9', 'name', "name = 'a'", 'folder,name desc', '~!!~e30', 'files(id)', 'drive,appDataFolder'), fc.string({unit: 'binary', maxLength: 20}))
  const query = fc.dictionary(fc.constantFrom('q', 'fields', 'alt', 'orderBy', 'pageSize', 'pageToken', 'spaces', 'uploadType', 'upload_id', 'addParents', 'removeParents', 'count', 'transferOwnership', 'includeRemoved', 'driveId'), value, {maxKeys: 4})
  const path = fc.tuple(id, id, fc.constantFrom('/files', '/files/ID', '/files/ID/copy', '/files/ID/export', '/files/ID/permissions', '/files/ID/permissions/OTHER', '/files/ID/revisions', '/files/ID/revisions/head', '/changes', '/changes/startPageToken', '/about', '/drives', '/files/generateIds', '/comments'), fc.boolean())
    .map(([one, other, route, upload]) => `${upload ? '/upload' : ''}/drive/v3${route.replace('ID', one).replace('OTHER', other)}`)
  const member = fc.constantFrom('name', 'mimeType', 'parents', 'id', 'starred', 'trashed', 'properties', 'appProperties', 'modifiedTime', 'type', 'role', 'emailAddress', 'keepForever', 'shortcutDetails', 'size', '__proto__', 'contentHints', 'description')
  const body = fc.oneof(fc.constant(''), fc.dictionary(member, fc.oneof(value, fc.boolean(), fc.integer(), fc.constant(null), fc.array(id, {maxLength: 2}), fc.dictionary(fc.string({maxLength: 5}), value, {maxKeys: 2})), {maxKeys: 4}).map((one) => JSON.stringify(one)), fc.string({maxLength: 40}), fc.json())
  const header = fc.dictionary(fc.constantFrom('content-type', 'content-range', 'range', 'x-upload-content-length', 'x-upload-content-type'), fc.constantFrom('application/json', 'multipart/related; boundary=b', 'multipart/related', 'bytes 0-5/6', 'bytes */*', 'bytes=0-', '10', 'x', 'bytes=-0'), {maxKeys: 2})

  it('answers in its own form, and never with a fault of its own', async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE'), path, query, body, header, async (method, where, parameters, content, headers) => {
      const answer = await bed.fetch(`${where}?${new URLSearchParams(parameters).toString()}`, {method, headers, scopes: everyScope, ...(method === 'GET' ? {} : {body: content})})
      const text = await answer.text()
      assert.ok(answer.status < 500, `${answer.status} ${text}`)
      if (answer.status < 400) return
      const {error} = JSON.parse(text) as {error: {code: number; message: string; errors: {reason: string}[]}}
      assert.deepEqual([error.code, typeof error.message, error.errors.length], [answer.status, 'string', 1])
    }), {numRuns: 600})
    assert.deepEqual(warnings, [])
  })
})

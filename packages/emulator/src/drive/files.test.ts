import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {appendFile, readdir} from 'node:fs/promises'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import type {drive_v3} from '@googleapis/drive'
import fc from 'fast-check'
import {DriveBed, refusal} from '../../../../test/helpers/drive.ts'

const folderType = 'application/vnd.google-apps.folder'
const colabType = 'application/vnd.google.colaboratory'

describe('Drive files, by the official client', () => {
  let bed: DriveBed
  let drive: drive_v3.Drive
  beforeEach(async () => {
    bed = await DriveBed.open()
    drive = bed.client()
  })
  afterEach(() => bed.close())

  const make = async (requestBody: drive_v3.Schema$File, content?: string): Promise<string> => {
    const {data} = content === undefined ? await drive.files.create({requestBody}) : await drive.files.create({requestBody, media: {mimeType: 'text/plain', body: content}}, bed.at)
    return data.id ?? ''
  }
  const names = async (q: string, more: drive_v3.Params$Resource$Files$List = {}): Promise<string[]> => {
    const {data} = await drive.files.list({q, orderBy: 'name', ...more})
    return (data.files ?? []).map((file) => file.name ?? '')
  }

  it('makes a file with content, tells about it and gives it back', async () => {
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
    const media = await drive.files.get({fileId: id, alt: 'media', acknowledgeAbuse: true}, {responseType: 'text'})
    assert.equal(media.data, 'hello world')
    const listed = await drive.files.list({q: "name = 'a.txt'", fields: 'files(id,size,owners/emailAddress)'})
    assert.deepEqual(listed.data, {files: [{id, size: '11', owners: [{emailAddress: 'ada@example.com'}]}]})
    await drive.files.delete({fileId: id})
    assert.deepEqual(await refusal(drive.files.get({fileId: id})), {code: 404, reason: 'notFound', message: `File not found: ${id}.`})
    assert.deepEqual(await readdir(join(bed.folder, 'content')), [])
  })

  it('makes Colab notebooks, whatever they are sent as', async () => {
    for (const [requestBody, mimeType] of [[{name: 'a', mimeType: colabType}, 'application/json'], [{name: 'b.ipynb'}, 'application/x-ipynb+json'], [{name: 'c.ipynb'}, 'application/json']] as const) {
      const {data} = await drive.files.create({requestBody, media: {mimeType, body: '{"cells":[]}'}, fields: 'id,mimeType,webViewLink,size'}, bed.at)
      assert.deepEqual(data, {id: data.id, mimeType: colabType, webViewLink: `https://colab.research.google.com/drive/${data.id}`, size: '12'})
    }
    assert.deepEqual(await names(`mimeType = '${colabType}'`), ['a', 'b.ipynb', 'c.ipynb'])
  })

  it('gives parts of a file', async () => {
    const id = await make({name: 'a'}, '0123456789')
    const get = async (range: string): Promise<[number, string | null, string]> => {
      const answer = await bed.fetch(`/drive/v3/files/${id}?alt=media`, {headers: {range}})
      return [answer.status, answer.headers.get('content-range'), answer.status === 416 ? '' : await answer.text()]
    }
    assert.deepEqual(await get('bytes=2-4'), [206, 'bytes 2-4/10', '234'])
    assert.deepEqual(await get('bytes=7-'), [206, 'bytes 7-9/10', '789'])
    assert.deepEqual(await get('bytes=-2'), [206, 'bytes 8-9/10', '89'])
    assert.deepEqual(await get('bytes=5-100'), [206, 'bytes 5-9/10', '56789'])
    assert.deepEqual(await get('bytes=10-'), [416, 'bytes */10', ''])
    assert.deepEqual(await get('bytes=1-2,4-5'), [200, null, '0123456789'])
    assert.deepEqual(await get('lines=1'), [200, null, '0123456789'])
  })

  it('changes what may be changed and refuses the rest', async () => {
    const id = await make({name: 'a', properties: {x: '1', y: '2'}}, 'text')
    const {data} = await drive.files.update({fileId: id, requestBody: {name: 'b', description: 'd', starred: true, properties: {x: null as unknown as string}}, fields: 'name,description,starred,properties,version'})
    assert.deepEqual(data, {name: 'b', description: 'd', starred: true, properties: {y: '2'}, version: '2'})
    for (const [requestBody, reason] of [[{parents: ['root']}, 'fieldNotWritable'], [{size: '1'}, 'fieldNotWritable'], [{mimeType: 'x/y'}, 'fieldNotWritable']] as const) {
      assert.equal((await refusal(drive.files.update({fileId: id, requestBody: requestBody as drive_v3.Schema$File}))).reason, reason)
    }
    assert.equal((await refusal(drive.files.update({fileId: 'root', requestBody: {name: 'mine'}}))).reason, 'insufficientFilePermissions')
    assert.equal((await refusal(drive.files.get({fileId: id, fields: 'nonsense'}))).reason, 'invalidParameter')
    assert.equal((await bed.fetch('/drive/v3/files', {method: 'POST', body: '{'})).status, 400)
    assert.equal((await bed.fetch('/drive/v3/files', {method: 'POST', body: '{"name": 5}'})).status, 400)
    assert.equal((await bed.fetch('/drive/v3/nothing')).status, 404)
    assert.equal((await fetch(`${bed.url}/drive/v3/files`)).headers.get('www-authenticate')?.startsWith('Bearer'), true)
  })

  it('moves between folders, one parent each', async () => {
    const [a, b] = [await make({name: 'A', mimeType: folderType}), await make({name: 'B', mimeType: folderType})]
    const inside = await make({name: 'inside', mimeType: folderType, parents: [a]})
    const id = await make({name: 'f', parents: [inside]}, 'x')
    assert.deepEqual((await drive.files.update({fileId: id, addParents: b, removeParents: inside, fields: 'parents'})).data, {parents: [b]})
    assert.deepEqual(await names(`'${b}' in parents`), ['f'])
    assert.equal((await refusal(drive.files.update({fileId: id, addParents: a}))).reason, 'cannotAddParent')
    assert.equal((await refusal(drive.files.update({fileId: a, addParents: inside, removeParents: 'root'}))).reason, 'cyclicMembershipsNotAllowed')
    assert.equal((await refusal(drive.files.update({fileId: a, addParents: id, removeParents: 'root'}))).reason, 'parentNotAFolder')
    assert.equal((await refusal(drive.files.create({requestBody: {name: 'x', parents: ['none']}}))).code, 404)
    const root = (await drive.files.get({fileId: 'root', fields: 'id,name,parents'})).data
    assert.deepEqual(root, {id: root.id, name: 'My Drive'})
    assert.deepEqual((await drive.files.update({fileId: id, removeParents: b, fields: 'parents'})).data, {parents: [root.id]})
  })

  it('puts into the bin, empties it, and deletes folders with all that is in them', async () => {
    const top = await make({name: 'top', mimeType: folderType})
    const below = await make({name: 'below', mimeType: folderType, parents: [top]})
    await make({name: 'leaf', parents: [below]}, 'x')
    await drive.files.update({fileId: top, requestBody: {trashed: true}})
    assert.deepEqual(await names('trashed = true'), ['below', 'leaf', 'top'])
    assert.deepEqual((await drive.files.get({fileId: below, fields: 'trashed,explicitlyTrashed'})).data, {trashed: true, explicitlyTrashed: false})
    await drive.files.update({fileId: top, requestBody: {trashed: false}})
    assert.deepEqual(await names('trashed = true'), [])
    await drive.files.update({fileId: below, requestBody: {trashed: true}})
    await drive.files.emptyTrash()
    assert.deepEqual(await names(''), ['top'])
    await make({name: 'again', parents: [top]}, 'x')
    await drive.files.delete({fileId: top})
    assert.deepEqual(await names(''), [])
  })

  it('copies files, with new names and places, and no folders', async () => {
    const folder = await make({name: 'F', mimeType: folderType})
    const id = await make({name: 'a.txt', parents: [folder], properties: {k: 'v'}}, 'text')
    const copied = await drive.files.copy({fileId: id, fields: 'id,name,parents,size,properties'})
    assert.deepEqual(copied.data, {id: copied.data.id, name: 'Copy of a.txt', parents: [folder], size: '4', properties: {k: 'v'}})
    await drive.files.delete({fileId: id})
    assert.equal((await drive.files.get({fileId: copied.data.id ?? '', alt: 'media'}, {responseType: 'text'})).data, 'text')
    assert.equal((await refusal(drive.files.copy({fileId: folder}))).reason, 'cannotCopyFile')
  })

  it('takes ids that it gave out, once', async () => {
    const {data} = await drive.files.generateIds({count: 2})
    const [id] = data.ids ?? []
    assert.equal(data.ids?.length, 2)
    assert.equal(await make({id: id ?? null, name: 'a'}), id)
    assert.deepEqual(await refusal(drive.files.create({requestBody: {id: id ?? null, name: 'b'}})), {code: 409, reason: 'fileIdInUse', message: 'A file already exists with the provided ID.'})
  })

  it('finds by every field of q', async () => {
    const folder = await make({name: 'data set', mimeType: folderType})
    await make({name: 'HelloWorld.txt', parents: [folder], properties: {stage: 'raw'}}, 'the quick brown_fox')
    await make({name: "it's a file.csv", appProperties: {k: 'v'}, description: 'secret words'}, 'a,b')
    const late = await make({name: 'late'}, 'x')
    const time = (await drive.files.get({fileId: late, fields: 'createdTime'})).data.createdTime
    await drive.files.update({fileId: late, requestBody: {starred: true}})
    const cases: [string, string[]][] = [
      ["name contains 'hello'", ['HelloWorld.txt']], ["name contains 'world'", []], ["name contains 'set dat'", ['data set']], [String.raw`name = 'it\'s a file.csv'`, ["it's a file.csv"]],
      ["name != 'late'", ['data set', 'HelloWorld.txt', "it's a file.csv"]],
      ["fullText contains 'quick'", ['HelloWorld.txt']], ["fullText contains 'qui'", []], ["fullText contains '\"brown fox\"'", ['HelloWorld.txt']], ["fullText contains '\"quick fox\"'", []], ["fullText contains 'secret'", ["it's a file.csv"]],
      [`mimeType = '${folderType}'`, ['data set']], ["mimeType contains 'text/'", ['HelloWorld.txt', "it's a file.csv", 'late']],
      [`createdTime >= '${time}'`, ['late']], [`createdTime < '${time}' and mimeType != '${folderType}'`, ['HelloWorld.txt', "it's a file.csv"]],
      [`'${folder}' in parents`, ['HelloWorld.txt']], ["'root' in parents and starred = false", ['data set', "it's a file.csv"]], ['starred', ['late']],
      ["'me' in owners", ['data set', 'HelloWorld.txt', "it's a file.csv", 'late']], ["not 'ada@example.com' in writers", []], ["'bob@example.com' in readers", []], ['sharedWithMe', []],
      ["properties has {key='stage' and value='raw'}", ['HelloWorld.txt']], ["appProperties has {key='k' and value='v'}", ["it's a file.csv"]], ["visibility = 'limited' and starred", ['late']], ["viewedByMeTime > '2020-01-01' and starred", ['late']],
    ]
    for (const [q, wanted] of cases) assert.deepEqual(await names(q), wanted, q)
    assert.deepEqual(await refusal(drive.files.list({q: 'name ='})), {code: 400, reason: 'invalid', message: 'Invalid Value'})
    assert.equal((await refusal(drive.files.list({orderBy: 'size'}))).reason, 'invalid')
    assert.equal((await refusal(drive.files.list({pageSize: 0}))).code, 400)
    assert.equal((await drive.files.list({pageSize: 5000})).data.files?.length, 4)
  })

  it('sorts by several keys, numbers in names by their value', async () => {
    for (const name of ['f10', 'f2', 'F1']) await make({name}, 'x'.repeat(name.length))
    await make({name: 'z', mimeType: folderType})
    const by = (orderBy: string): Promise<string[]> => names('', {orderBy})
    assert.deepEqual(await by('name'), ['F1', 'f10', 'f2', 'z'])
    assert.deepEqual(await by('name_natural'), ['F1', 'f2', 'f10', 'z'])
    assert.deepEqual(await by('folder,name desc'), ['z', 'f2', 'f10', 'F1'])
    assert.deepEqual(await by('quotaBytesUsed desc,createdTime'), ['f10', 'f2', 'F1', 'z'])
    assert.deepEqual(await by('modifiedTime'), ['f10', 'f2', 'F1', 'z'])
  })

  it('pages through every file exactly once, in order', async () => {
    for (let at = 0; at < 23; at++) await make({name: `n${at % 5}`, ...(at % 3 === 0 ? {mimeType: folderType} : {})})
    const all = (await drive.files.list({orderBy: 'folder,name'})).data.files ?? []
    assert.equal(all.length, 23)
    await fc.assert(fc.asyncProperty(fc.integer({min: 1, max: 30}), fc.constantFrom('folder,name', 'name desc', 'createdTime', 'modifiedTime desc,folder'), async (pageSize, orderBy) => {
      const [found, whole] = [[] as (string | null | undefined)[], await drive.files.list({orderBy})]
      let pageToken: string | undefined
      do {
        const {data} = await drive.files.list({pageSize, orderBy, ...(pageToken === undefined ? {} : {pageToken})})
        assert.ok((data.files?.length ?? 0) <= pageSize)
        found.push(...(data.files ?? []).map((file) => file.id))
        pageToken = data.nextPageToken ?? undefined
      } while (pageToken !== undefined)
      assert.deepEqual(found, whole.data.files?.map((file) => file.id))
    }), {numRuns: 20})
    const {data} = await drive.files.list({pageSize: 2, orderBy: 'name'})
    assert.equal((await refusal(drive.files.list({pageSize: 2, orderBy: 'name desc', pageToken: data.nextPageToken ?? ''}))).code, 400)
    assert.equal((await refusal(drive.files.list({pageToken: 'made up'}))).code, 400)
  })

  it('tells about the account, and wants fields for that', async () => {
    await make({name: 'a'}, 'x'.repeat(1000))
    const {data} = await drive.about.get({fields: 'user(emailAddress,displayName),storageQuota'})
    assert.deepEqual(data, {user: {displayName: 'Ada', emailAddress: 'ada@example.com'}, storageQuota: {limit: String(15 * 2 ** 30), usage: '1000', usageInDrive: '1000', usageInDriveTrash: '0'}})
    assert.equal((await refusal(drive.about.get())).reason, 'required')
  })

  it('tells what changed', async () => {
    const old = await make({name: 'old'}, 'x')
    const start = (await drive.changes.getStartPageToken()).data.startPageToken ?? ''
    const id = await make({name: 'a'}, 'x')
    await drive.files.update({fileId: id, requestBody: {name: 'b'}})
    await drive.files.delete({fileId: old})
    const {data} = await drive.changes.list({pageToken: start, pageSize: 1})
    assert.deepEqual(data.changes?.map((one) => [one.fileId, one.removed, one.file?.name]), [[id, false, 'b']])
    const rest = (await drive.changes.list({pageToken: data.nextPageToken ?? ''})).data
    assert.deepEqual(rest.changes?.map((one) => [one.fileId, one.removed]), [[old, true]])
    assert.deepEqual((await drive.changes.list({pageToken: rest.newStartPageToken ?? ''})).data.changes, [])
  })

  it('is the same after a restart, also when the last write was cut short', async () => {
    const folder = await make({name: 'F', mimeType: folderType})
    const id = await make({name: 'a', parents: [folder]}, 'kept')
    await drive.files.delete({fileId: await make({name: 'gone'}, 'x')})
    const before = (await drive.files.list({fields: '*', orderBy: 'name'})).data
    await bed.stop()
    await appendFile(join(bed.folder, 'files.jsonl'), '{"file":{"id":"half')
    const again = await DriveBed.open({folder: bed.folder})
    try {
      const client = again.client()
      assert.deepEqual((await client.files.list({fields: '*', orderBy: 'name'})).data, before)
      assert.equal((await client.files.get({fileId: id, alt: 'media'}, {responseType: 'text'})).data, 'kept')
      const fresh = (await client.files.create({requestBody: {name: 'new'}, media: {body: 'n'}}, again.at)).data.id
      assert.ok(fresh !== id && fresh !== folder)
      assert.equal((await readdir(join(bed.folder, 'content'))).length, 2)
    } finally {
      await again.stop()
    }
  })

  it('keeps what it has answered when it is killed', async () => {
    const ids = await Promise.all(Array.from({length: 20}, (_, at) => make({name: `f${at}`}, `content ${at}`)))
    await drive.files.delete({fileId: ids[3] ?? ''})
    // nothing is closed: what a second one finds is what a killed one leaves
    const again = await DriveBed.open({folder: bed.folder})
    try {
      const left = ids.filter((_, at) => at !== 3)
      assert.deepEqual((await again.client().files.list()).data.files?.map((file) => file.id).toSorted(), left.toSorted())
      for (const id of left) assert.match((await again.client().files.get({fileId: id, alt: 'media'}, {responseType: 'text'})).data as unknown as string, /^content \d+$/)
    } finally {
      await again.stop()
    }
  })

  it('keeps the last revisions, and those that it was told to keep', async () => {
    const id = await make({name: 'a'}, 'first')
    const first = (await drive.revisions.list({fileId: id})).data.revisions?.[0]?.id ?? ''
    await drive.revisions.update({fileId: id, revisionId: first, requestBody: {keepForever: true}})
    for (let at = 0; at < 25; at++) await drive.files.update({fileId: id, media: {mimeType: 'text/plain', body: `${at}`}}, bed.at)
    const {revisions = []} = (await drive.revisions.list({fileId: id})).data
    assert.equal(revisions.length, 20)
    assert.equal(revisions[0]?.id, first)
    assert.equal((await drive.revisions.get({fileId: id, revisionId: first, alt: 'media'}, {responseType: 'text'})).data, 'first')
    await drive.revisions.delete({fileId: id, revisionId: revisions[1]?.id ?? ''})
    assert.equal((await readdir(join(bed.folder, 'content'))).length, 19)
  })

  it('has room for what the account may store', async () => {
    await bed.close()
    bed = await DriveBed.open({quotaBytes: 1000})
    drive = bed.client()
    const id = await make({name: 'a'}, 'x'.repeat(600))
    assert.deepEqual(await refusal(make({name: 'b'}, 'x'.repeat(600))), {code: 403, reason: 'storageQuotaExceeded', message: "The user's Drive storage quota has been exceeded."})
    assert.deepEqual(await readdir(join(bed.folder, 'arriving')), [])
    await drive.files.delete({fileId: id})
    await make({name: 'b'}, 'x'.repeat(600))
  })
})

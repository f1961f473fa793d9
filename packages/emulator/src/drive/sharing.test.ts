import assert from 'node:assert/strict'
import type {drive_v3} from '@googleapis/drive'
import {DriveBed, refusal} from '../../../../test/helpers/drive.ts'

const folderType = 'application/vnd.google-apps.folder'
const bob = 'bob@example.com'

describe('who sees and does what in Drive', () => {
  let bed: DriveBed
  let drive: drive_v3.Drive
  beforeEach(async () => {
    bed = await DriveBed.open()
    drive = bed.client()
  })
  afterEach(() => bed.close())

  const make = async (name: string, client = drive, more: drive_v3.Schema$File = {}): Promise<string> =>
    (await client.files.create({requestBody: {name, ...more}, ...(more.mimeType === folderType ? {} : {media: {mimeType: 'text/plain', body: 'text'}})}, bed.at)).data.id ?? ''
  const listed = async (client: drive_v3.Drive, q = ''): Promise<string[]> =>
    ((await client.files.list({q, orderBy: 'name'})).data.files ?? []).map((file) => file.name ?? '')
  const share = (fileId: string, role: string, emailAddress = bob): Promise<unknown> =>
    drive.permissions.create({fileId, requestBody: {type: 'user', role, emailAddress}, sendNotificationEmail: false})

  it('keeps accounts apart until they share', async () => {
    const id = await make('a')
    const other = bed.client(bob)
    assert.deepEqual(await listed(other), [])
    assert.equal((await refusal(other.files.get({fileId: id}))).code, 404)
    await share(id, 'reader')
    assert.deepEqual(await listed(other, 'sharedWithMe'), ['a'])
    assert.deepEqual((await other.files.get({fileId: id, fields: 'ownedByMe,shared,capabilities(canEdit,canDownload),parents'})).data, {ownedByMe: false, shared: true, capabilities: {canEdit: false, canDownload: true}})
    assert.equal((await other.files.get({fileId: id, alt: 'media'}, {responseType: 'text'})).data, 'text')
    assert.equal((await refusal(other.files.update({fileId: id, requestBody: {name: 'b'}}))).reason, 'insufficientFilePermissions')
    await other.files.update({fileId: id, requestBody: {starred: true}})
    assert.equal((await drive.files.get({fileId: id, fields: 'starred'})).data.starred, false)
    await share(id, 'writer')
    await other.files.update({fileId: id, requestBody: {name: 'b'}})
    assert.deepEqual(await listed(drive), ['b'])
    for (const refused of [other.files.delete({fileId: id}), other.files.update({fileId: id, requestBody: {trashed: true}})]) assert.equal((await refusal(refused)).reason, 'insufficientFilePermissions')
  })

  it('shares a folder with all that is in it, and takes that back', async () => {
    const folder = await make('F', drive, {mimeType: folderType})
    const inside = await make('inside', drive, {parents: [folder]})
    await share(folder, 'writer')
    const other = bed.client(bob)
    assert.deepEqual(await listed(other), ['F', 'inside'])
    const theirs = await make('theirs', other, {parents: [folder]})
    assert.deepEqual((await drive.files.get({fileId: theirs, fields: 'owners/emailAddress,capabilities(canEdit,canDelete)'})).data, {owners: [{emailAddress: bob}], capabilities: {canEdit: true, canDelete: false}})
    const {data} = await drive.permissions.list({fileId: folder, fields: 'permissions(id,role,emailAddress)'})
    assert.deepEqual(data.permissions?.map((one) => [one.role, one.emailAddress]), [['owner', 'ada@example.com'], ['writer', bob]])
    const permission = data.permissions?.[1]?.id ?? ''
    assert.equal((await drive.permissions.update({fileId: folder, permissionId: permission, requestBody: {role: 'reader'}})).data.role, 'reader')
    assert.equal((await drive.permissions.get({fileId: folder, permissionId: permission})).data.role, 'reader')
    const start = (await other.changes.getStartPageToken()).data.startPageToken ?? ''
    await drive.permissions.delete({fileId: folder, permissionId: permission})
    assert.deepEqual(await listed(other), ['theirs'])
    assert.equal((await refusal(other.files.get({fileId: inside}))).code, 404)
    assert.deepEqual((await other.changes.list({pageToken: start})).data.changes?.map((one) => [one.fileId, one.removed]), [[folder, true]])
  })

  it('opens a link to anybody, and lists it to nobody', async () => {
    const id = await make('a')
    const made = await drive.permissions.create({fileId: id, requestBody: {type: 'anyone', role: 'reader'}})
    assert.equal(made.data.id, 'anyoneWithLink')
    const other = bed.client(bob)
    assert.equal((await other.files.get({fileId: id})).data.name, 'a')
    assert.deepEqual(await listed(other), [])
    assert.deepEqual(await listed(drive, "visibility = 'anyoneWithLink'"), ['a'])
  })

  it('hands a file over only when that is meant', async () => {
    const id = await make('a')
    assert.equal((await refusal(share(id, 'owner'))).reason, 'forbidden')
    await drive.permissions.create({fileId: id, transferOwnership: true, requestBody: {type: 'user', role: 'owner', emailAddress: bob}})
    assert.deepEqual((await drive.files.get({fileId: id, fields: 'ownedByMe,owners/emailAddress'})).data, {ownedByMe: false, owners: [{emailAddress: bob}]})
    for (const [requestBody, reason] of [[{type: 'user', role: 'reader'}, 'invalidSharingRequest'], [{type: 'user', role: 'king', emailAddress: 'c@x.y'}, 'badRequest'], [{role: 'reader'}, 'required'], [{type: 'user', role: 'reader', emailAddress: 'nobody'}, 'invalidSharingRequest']] as const) {
      assert.equal((await refusal(drive.permissions.create({fileId: id, requestBody}))).reason, reason)
    }
  })

  it('shows a client with drive.file what it made or opened', async () => {
    const id = await make('by drive')
    const narrow = bed.client(undefined, ['drive.file'], 'client-2')
    assert.deepEqual(await listed(narrow), [])
    assert.equal((await refusal(narrow.files.get({fileId: id}))).code, 404)
    assert.equal((await refusal(narrow.files.get({fileId: 'root'}))).code, 404)
    const own = await make('own', narrow)
    assert.deepEqual(await listed(narrow, "'root' in parents"), ['own'])
    assert.deepEqual(await listed(drive), ['by drive', 'own'])
    assert.deepEqual(await listed(bed.client(undefined, ['drive.file'], 'client-3')), [])
    await narrow.files.update({fileId: own, requestBody: {name: 'mine'}})
    bed.drive.open(id, {email: 'ada@example.com', clientId: 'client-2'})
    assert.deepEqual(await listed(narrow), ['by drive', 'mine'])
    const both = bed.client(undefined, ['drive.file', 'drive.readonly'], 'client-4')
    assert.equal((await refusal(both.files.update({fileId: id, requestBody: {name: 'x'}}))).reason, 'appNotAuthorizedToFile')
  })

  it('lets a reading scope read, and a scope of something else do nothing', async () => {
    const id = await make('a')
    const reader = bed.client(undefined, ['drive.readonly'])
    assert.equal((await reader.files.get({fileId: id, alt: 'media'}, {responseType: 'text'})).data, 'text')
    for (const call of [reader.files.create({requestBody: {name: 'x'}}), reader.files.delete({fileId: id}), reader.files.update({fileId: id, requestBody: {name: 'b'}}), reader.permissions.create({fileId: id, requestBody: {}}), reader.files.emptyTrash()]) {
      assert.deepEqual(await refusal(call), {code: 403, reason: 'insufficientPermissions', message: 'Request had insufficient authentication scopes.'})
    }
    const metadata = bed.client(undefined, ['drive.metadata.readonly'])
    assert.equal((await metadata.files.get({fileId: id})).data.name, 'a')
    assert.equal((await refusal(metadata.files.get({fileId: id, alt: 'media'}))).reason, 'insufficientPermissions')
    const answer = await bed.fetch('/drive/v3/files', {scopes: ['colaboratory']})
    const {error} = await answer.json() as {error: {status: string; details: {reason: string}[]}}
    assert.deepEqual([answer.status, error.status, error.details[0]?.reason], [403, 'PERMISSION_DENIED', 'ACCESS_TOKEN_SCOPE_INSUFFICIENT'])
  })

  it('hides application data from everybody else', async () => {
    const app = bed.client(undefined, ['drive.appdata'])
    const made = await app.files.create({requestBody: {name: 'settings', parents: ['appDataFolder']}, media: {body: '{}'}, fields: 'id,spaces'}, bed.at)
    assert.deepEqual(made.data.spaces, ['appDataFolder'])
    assert.deepEqual(await listed(app), [])
    assert.deepEqual((await app.files.list({spaces: 'appDataFolder'})).data.files?.map((file) => file.name), ['settings'])
    for (const other of [drive, bed.client(undefined, ['drive.appdata'], 'client-2'), bed.client(bob, ['drive.appdata'])]) assert.equal((await refusal(other.files.get({fileId: made.data.id ?? ''}))).code, 404)
    assert.deepEqual(await listed(drive), [])
  })
})

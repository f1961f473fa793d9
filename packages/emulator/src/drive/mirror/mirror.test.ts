import assert from 'node:assert/strict'
import {appendFile, mkdir, readFile, readdir, rename, rm, stat, symlink, unlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {drive_v3} from '@googleapis/drive'
import fc from 'fast-check'
import {DriveBed} from '../../../../../test/helpers/drive.ts'
import {until} from '../../../../../test/helpers/workbench.ts'
import {allocate, diskName, numbered, standsFor} from './names.ts'

const folderType = 'application/vnd.google-apps.folder'

describe("a folder that shows an account's My Drive", () => {
  let bed: DriveBed
  let drive: drive_v3.Drive
  let root = ''
  beforeEach(async () => {
    bed = await DriveBed.open()
    drive = bed.client()
    root = await bed.drive.folder('ada@example.com')
  })
  afterEach(() => bed.close())

  const upload = async (name: string, text: string, parent?: string): Promise<string> => {
    const {data} = await drive.files.create({requestBody: {name, ...(parent === undefined ? {} : {parents: [parent]})}, media: {mimeType: 'text/plain', body: text}}, bed.at)
    return data.id ?? ''
  }
  const folder = async (name: string, parent?: string): Promise<string> =>
    (await drive.files.create({requestBody: {name, mimeType: folderType, ...(parent === undefined ? {} : {parents: [parent]})}})).data.id ?? ''
  const list = async (): Promise<Record<string, string>> => {
    const {data} = await drive.files.list({q: 'trashed = false', fields: 'files(id,name)', pageSize: 1000})
    return Object.fromEntries((data.files ?? []).map((file) => [file.name ?? '', file.id ?? '']))
  }
  const content = async (id: string): Promise<string> => (await drive.files.get({fileId: id, alt: 'media'}, {responseType: 'text'})).data as unknown as string
  const inFolder = (...path: string[]): string => join(root, ...path)

  it('shows what was there before, and what the API makes, changes, moves and deletes', async () => {
    const other = await bed.drive.folder('bob@example.com')
    const id = await upload('a.txt', 'one')
    assert.equal(await readFile(inFolder('a.txt'), 'utf8'), 'one')
    await drive.files.update({fileId: id, media: {mimeType: 'text/plain', body: 'two'}}, bed.at)
    assert.equal(await readFile(inFolder('a.txt'), 'utf8'), 'two')
    const [sub, deep] = [await folder('sub'), await folder('other')]
    await drive.files.update({fileId: id, addParents: sub, removeParents: 'root', requestBody: {name: 'b.txt'}})
    await drive.files.update({fileId: sub, addParents: deep, removeParents: 'root'})
    assert.deepEqual(await readdir(root), ['other'])
    assert.equal(await readFile(inFolder('other', 'sub', 'b.txt'), 'utf8'), 'two')
    await drive.files.update({fileId: deep, requestBody: {trashed: true}})
    assert.deepEqual(await readdir(root), [])
    await drive.files.update({fileId: deep, requestBody: {trashed: false}})
    assert.equal(await readFile(inFolder('other', 'sub', 'b.txt'), 'utf8'), 'two')
    await drive.files.delete({fileId: id})
    assert.deepEqual(await readdir(inFolder('other', 'sub')), [])
    assert.deepEqual(await readdir(other), [])
  })

  it('swaps two names', async () => {
    const [a, b] = [await upload('a', 'A'), await upload('b', 'B')]
    await drive.files.update({fileId: a, requestBody: {name: 'c'}})
    await drive.files.update({fileId: b, requestBody: {name: 'a'}})
    await drive.files.update({fileId: a, requestBody: {name: 'b'}})
    assert.deepEqual([await readFile(inFolder('a'), 'utf8'), await readFile(inFolder('b'), 'utf8')], ['B', 'A'])
  })

  it('takes over what is written, changed and made in the folder, with ids that stay', async () => {
    await mkdir(inFolder('data', 'deep'), {recursive: true})
    await writeFile(inFolder('data', 'deep', 'x.csv'), 'a,b')
    await writeFile(inFolder('n.ipynb'), '{}')
    const before = await list()
    assert.deepEqual(Object.keys(before).toSorted(), ['data', 'deep', 'n.ipynb', 'x.csv'])
    const found = await drive.files.get({fileId: before['x.csv'] ?? '', fields: 'mimeType,size,parents,owners/emailAddress'})
    assert.deepEqual(found.data, {mimeType: 'text/csv', size: '3', parents: [before.deep], owners: [{emailAddress: 'ada@example.com'}]})
    assert.equal((await drive.files.get({fileId: before['n.ipynb'] ?? ''})).data.mimeType, 'application/vnd.google.colaboratory')
    await appendFile(inFolder('data', 'deep', 'x.csv'), '\nc,d')
    assert.equal(await content(before['x.csv'] ?? ''), 'a,b\nc,d')
    // the same size: told by its time
    await writeFile(inFolder('data', 'deep', 'x.csv'), 'A,b\nc,d')
    assert.equal(await content(before['x.csv'] ?? ''), 'A,b\nc,d')
    // as editors do: a new file in the place of the old
    await writeFile(inFolder('x.new'), 'replaced')
    await rename(inFolder('x.new'), inFolder('data', 'deep', 'x.csv'))
    assert.equal(await content(before['x.csv'] ?? ''), 'replaced')
    assert.deepEqual(await list(), before)
  })

  it('knows a moved file and a moved folder again', async () => {
    await mkdir(inFolder('data'))
    await writeFile(inFolder('data', 'x'), 'x')
    await writeFile(inFolder('y'), 'y')
    const before = await list()
    await rename(inFolder('data'), inFolder('moved'))
    await rename(inFolder('y'), inFolder('moved', 'z'))
    assert.deepEqual(await list(), {moved: before.data, x: before.x, z: before.y})
    assert.deepEqual((await drive.files.get({fileId: before.y ?? '', fields: 'parents'})).data.parents, [before.data])
  })

  it('puts what is deleted there into the bin, and leaves links and pipes alone', async () => {
    await mkdir(inFolder('data'))
    await writeFile(inFolder('data', 'x'), 'x')
    await symlink('/etc/passwd', inFolder('link'))
    await list()
    await rm(inFolder('data'), {recursive: true})
    assert.deepEqual(await list(), {})
    const {data} = await drive.files.list({q: 'trashed = true', fields: 'files(name,explicitlyTrashed)', orderBy: 'name'})
    assert.deepEqual(data.files, [{name: 'data', explicitlyTrashed: true}, {name: 'x', explicitlyTrashed: false}])
    await unlink(inFolder('link'))
  })

  it('numbers names that are there twice, and keeps them apart', async () => {
    const [first, second] = [await upload('a.txt', '1'), await upload('a.txt', '2')]
    await upload('a/b', 'slash')
    assert.deepEqual((await readdir(root)).toSorted(), ['a (1).txt', 'a.txt', 'a_b'])
    await writeFile(inFolder('a (1).txt'), 'changed')
    assert.deepEqual([await content(first), await content(second)], ['1', 'changed'])
    await drive.files.delete({fileId: first})
    // who has a name keeps it
    assert.deepEqual((await readdir(root)).toSorted(), ['a (1).txt', 'a_b'])
    assert.equal((await drive.files.get({fileId: second})).data.name, 'a.txt')
  })

  it('does not overwrite what the machine wrote since the last look', async () => {
    const id = await upload('a', 'api')
    const body = new TransformStream<Uint8Array, Uint8Array>()
    const writer = body.writable.getWriter()
    const busy = bed.fetch(`/upload/drive/v3/files/${id}?uploadType=media`, {method: 'PATCH', body: body.readable, duplex: 'half'})
    await writer.write(Buffer.from('api '))
    await until(async () => (await readdir(join(bed.folder, 'arriving'))).length > 0, () => 'no bytes arrived')
    await writeFile(inFolder('a'), 'machine')
    await writer.write(Buffer.from('again'))
    await writer.close()
    assert.equal((await busy).status, 200)
    assert.equal(await readFile(inFolder('a'), 'utf8'), 'machine')
    assert.equal(await content(id), 'machine')
    const {data} = await drive.revisions.list({fileId: id})
    assert.equal(data.revisions?.length, 3)
  })

  it('goes on after a restart, with what was written meanwhile', async () => {
    const id = await upload('a', 'one')
    await mkdir(inFolder('d'))
    const before = await list()
    await bed.stop()
    await writeFile(inFolder('a'), 'two')
    await writeFile(inFolder('d', 'new'), 'new')
    const again = await DriveBed.open({folder: bed.folder})
    try {
      assert.equal(await again.drive.folder('ada@example.com'), root)
      const {data} = await again.client().files.list({fields: 'files(id,name)', orderBy: 'name'})
      assert.deepEqual(data.files?.map((file) => file.name), ['a', 'd', 'new'])
      assert.deepEqual(data.files?.slice(0, 2).map((file) => file.id), [before.a, before.d])
      assert.equal((await again.client().files.get({fileId: id, alt: 'media'}, {responseType: 'text'})).data, 'two')
    } finally {
      await again.stop()
    }
  })

  it('keeps both sides the same under any mixture of changes', async function () {
    this.timeout(60_000)
    const step = fc.record({what: fc.constantFrom('write', 'upload', 'rename', 'apiRename', 'remove', 'apiTrash', 'mkdir', 'apiMove'), name: fc.constantFrom('a', 'b', 'c', 'd'), to: fc.constantFrom('a', 'b', 'c', 'd')})
    await fc.assert(fc.asyncProperty(fc.array(step, {maxLength: 12}), async (steps) => {
      for (const name of await readdir(root)) await rm(inFolder(name), {recursive: true})
      for (const {what, name, to} of steps) {
        const there = await stat(inFolder(name)).catch(() => undefined)
        const target = await stat(inFolder(to)).catch(() => undefined)
        const ids = what.startsWith('api') ? await list() : {}
        if (what === 'write' && !there?.isDirectory()) await writeFile(inFolder(name), `${name}${to}`)
        else if (what === 'upload') await upload(name, `api ${to}`)
        else if (what === 'rename' && there && !target) await rename(inFolder(name), inFolder(to))
        else if (what === 'remove') await rm(inFolder(name), {recursive: true, force: true})
        else if (what === 'mkdir') await mkdir(inFolder(name)).catch(() => undefined)
        else if (what === 'apiRename' && ids[name]) await drive.files.update({fileId: ids[name], requestBody: {name: to}})
        else if (what === 'apiTrash' && ids[name]) await drive.files.update({fileId: ids[name], requestBody: {trashed: true}})
        else if (what === 'apiMove' && ids[name] && ids[to] && target?.isDirectory()) await drive.files.update({fileId: ids[name], addParents: ids[to], removeParents: 'root'}).catch(() => undefined)
      }
      await list()
      const {data} = await drive.files.list({q: 'trashed = false', fields: 'files(id,name,parents,mimeType,sha256Checksum)', pageSize: 1000})
      const files = data.files ?? []
      const onDisk = (await readdir(root, {recursive: true, withFileTypes: true})).toSorted((a, b) => (a.name < b.name ? -1 : 1))
      assert.equal(onDisk.length, files.length, `${onDisk.map((one) => one.name).join()} and ${files.map((one) => one.name ?? '').join()}`)
      assert.equal(onDisk.filter((one) => one.isDirectory()).length, files.filter((one) => one.mimeType === folderType).length)
      const bases = (names: string[]): string[] => names.map((name) => name.replace(/ \(\d+\)$/, '')).toSorted()
      assert.deepEqual(bases(onDisk.map((one) => one.name)), bases(files.map((one) => one.name ?? '')))
    }), {numRuns: 60})
  })
})

describe('names on disk', () => {
  it('are names for every name of Drive', () => {
    fc.assert(fc.property(fc.string({unit: 'binary', maxLength: 400}), (name) => {
      const disk = diskName(name)
      assert.ok(disk.length > 0 && disk !== '.' && disk !== '..' && !/[/\0]/.test(disk) && Buffer.byteLength(disk) <= 255)
    }))
  })

  it('are different for all files of a folder, and each stands for its own', () => {
    const some = fc.array(fc.constantFrom('a.txt', 'a (1).txt', 'a (2).txt', 'a', 'a (1)', '', '..', 'b/c', 'b_c'), {maxLength: 12})
    fc.assert(fc.property(some, (names) => {
      const files = names.map((name, index) => ({id: String(index), name}))
      const given = allocate(files, () => undefined)
      assert.equal(new Set(given.values()).size, files.length)
      for (const {id, name} of files) assert.ok(standsFor(given.get(id) ?? '', diskName(name)))
      // asked again, everybody keeps the own one
      assert.deepEqual(allocate(files.toReversed(), (id) => given.get(id)).size, files.length)
      for (const {id} of files) assert.equal(allocate(files, (one) => given.get(one)).get(id), given.get(id))
    }))
    assert.equal(numbered('archive.tar.gz', 2), 'archive.tar (2).gz')
  })
})

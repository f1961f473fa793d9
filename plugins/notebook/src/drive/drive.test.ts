import assert from 'node:assert/strict'
import {randomBytes} from 'node:crypto'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {CgpuError, errors, fetched, type GoogleAccess} from '@cgpu/plugin-sdk'
import {DriveBed, tokenFor} from '../../../../test/helpers/drive.ts'
import {parseNotebook} from '../format/read.ts'
import {readNotebook, writeNotebook} from './client.ts'
import {Drive} from './drive.ts'
import {mime} from './files.ts'
import {findFolder, findNotebook, newPlace} from './find.ts'
import {getNotebook} from './get.ts'
import {GotStore} from './got.ts'
import {listNotebooks} from './list.ts'
import {putNotebook} from './put.ts'
import {share} from './share.ts'
import {templateText} from './templates.ts'
import {upload} from './upload.ts'

const scope = (name: string): string => `https://www.googleapis.com/auth/${name}`
const textOf = (source: string): string => JSON.stringify({nbformat: 4, nbformat_minor: 0, metadata: {}, cells: [{cell_type: 'code', source, metadata: {}, execution_count: null, outputs: []}]})
const bytesOf = (source: string): Buffer => Buffer.from(textOf(source))
const cut = (): Error => errors.network('Google cannot be reached: the connection was cut', {code: 'GOOGLE_UNREACHABLE', retryable: true})

interface Call {
  url: URL
  method: string
  /** how many of this method came before */
  nth: number
}

/** May answer instead of Drive or throw, as a broken line does: before Drive has the request, or after. */
type Meddle = (call: Call, moment: 'before' | 'after') => Response | undefined

/** What the CLI gives the plugin, for an account of the bed. */
function accessOf(bed: DriveBed, scopes: string[], meddle: Meddle = () => undefined): GoogleAccess {
  const counts: Record<string, number> = {}
  return {
    account: {id: 'google:ada@example.com', email: 'ada@example.com', scopes: scopes.map(scope)}, drive: bed.url, colab: 'https://colab.research.google.com',
    async fetch(address, {method = 'GET', headers = {}, body, signal} = {}) {
      const url = new URL(address)
      const nth = counts[method] ?? 0
      counts[method] = nth + 1
      const instead = meddle({url, method, nth}, 'before')
      const answer = instead ?? await fetch(url, {
        method, headers: {...headers, authorization: `Bearer ${tokenFor('ada@example.com', scopes, 'client-1')}`}, redirect: 'manual',
        ...(body === undefined ? {} : {body: typeof body === 'string' ? body : new Uint8Array(body)}), ...(signal ? {signal} : {}),
      })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      if (!instead) meddle({url, method, nth}, 'after')
      return fetched({status: answer.status, headers: Object.fromEntries(answer.headers), url: address}, bytes)
    },
  }
}

describe('notebooks in Drive', () => {
  let bed: DriveBed
  const waits: number[] = []
  const open = (scopes = ['drive'], meddle?: Meddle): Drive => new Drive({access: accessOf(bed, scopes, meddle), wait: async (ms) => void waits.push(ms)})
  let drive: Drive
  before(async () => {
    bed = await DriveBed.open()
    drive = open()
  })
  after(() => bed.close())

  it('are written, found by name, path, id and address, and read again', async () => {
    const api = bed.client()
    const folder = (await api.files.create({requestBody: {name: 'lab', mimeType: mime.folder}})).data.id ?? ''
    assert.deepEqual(await newPlace(drive, 'drive:lab/new'), {name: 'new.ipynb', folder: await findFolder(drive, 'lab')})
    await assert.rejects(newPlace(drive, 'nowhere/new'), {code: 'FOLDER_NOT_FOUND', exit: 66})
    await assert.rejects(newPlace(drive, 'lab/'), {code: 'INVALID_NAME', exit: 64})
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

  it('of one name are told apart by id and folder, never by chance', async () => {
    const api = bed.client()
    for (const folder of ['north', 'south']) {
      const parents = [(await api.files.create({requestBody: {name: folder, mimeType: mime.folder}})).data.id ?? '']
      await api.files.create({requestBody: {name: 'twin.ipynb', parents}, media: {mimeType: mime.colab, body: textOf(folder)}}, bed.at)
    }
    await assert.rejects(findNotebook(drive, 'twin'), (error: unknown) => {
      assert.ok(error instanceof CgpuError)
      assert.deepEqual([error.code, error.exit], ['AMBIGUOUS_NAME', 64])
      assert.match(error.message, /^2 notebooks are called twin: \S+ \(20\d\d-\d\d-\d\d \d\d:\d\d, ada@example\.com\); \S+ \(/)
      assert.equal((error.details?.['candidates'] as unknown[]).length, 2)
      return true
    })
    assert.equal((await readNotebook(drive, 'south/twin')).bytes.toString(), textOf('south'))
    await assert.rejects(findNotebook(drive, 'west/twin'), {code: 'NOTEBOOK_NOT_FOUND', exit: 66, fix: 'cgpu notebook list'})
    await assert.rejects(findFolder(drive, 'west'), {code: 'FOLDER_NOT_FOUND', exit: 66})
    const folder = await findFolder(drive, 'north') ?? ''
    await assert.rejects(findNotebook(drive, folder), {code: 'NOT_A_NOTEBOOK', exit: 64})
    await assert.rejects(findNotebook(drive, 'https://example.com/drive/1a2B3c4D5e6F7g8H9i0J'), {code: 'INVALID_LINK', exit: 64})
  })

  it("are listed from all pages, by Colab's type, Jupyter's, and the name", async () => {
    const lister = open()
    const folder = await findFolder(lister, 'lab')
    for (const [name, mimeType] of [['colab', mime.colab], ['jupyter', mime.jupyter], ["it's.IPYNB", 'text/plain'], ['no.ipynb.txt', 'text/plain'], ['other.txt', 'text/plain']]) {
      await bed.client().files.create({requestBody: {name: name ?? '', parents: [folder ?? '']}, media: {mimeType: mimeType ?? '', body: textOf('x')}}, bed.at)
    }
    const names = (await listNotebooks(lister, {folder})).map(({name}) => name)
    assert.deepEqual(names, ["it's.IPYNB", 'jupyter', 'colab', 'first.ipynb'])
    const paged: string[] = []
    for await (const {name} of lister.list(`'${folder}' in parents and trashed = false`, {pageSize: 2})) paged.push(name)
    assert.deepEqual(paged, ['other.txt', 'no.ipynb.txt', ...names])
    assert.deepEqual((await listNotebooks(lister, {folder, query: "it's"})).map(({name}) => name), ["it's.IPYNB"])
    assert.equal((await listNotebooks(lister, {folder, limit: 1})).length, 1)
    const {id} = await findNotebook(lister, "it's.IPYNB")
    await lister.update(id, {trashed: true})
    await assert.rejects(findNotebook(lister, "it's.IPYNB"), {code: 'NOTEBOOK_NOT_FOUND'})
    assert.deepEqual((await listNotebooks(lister, {folder, trashed: true})).map(({name}) => name), ["it's.IPYNB"])
    await lister.update((await findNotebook(lister, "it's.IPYNB", {trashed: 'only'})).id, {trashed: false, name: 'its.ipynb'})
    const {id: its} = await findNotebook(lister, 'its')
    await open(['drive'], ({method, nth}, moment) => {
      if (method === 'DELETE' && nth === 0 && moment === 'after') throw cut()
      return undefined
    }).remove(its)
    assert.deepEqual((await listNotebooks(lister, {folder, query: 'its'})), [])
  })

  it('are uploaded on from where a cut left them, and made once', async () => {
    const pieceLength = 256 * 1024
    const bytes = randomBytes(3 * pieceLength - 1000)
    // of the pieces the first comes whole, the second not at all, and of the third the answer is lost
    const cutting = open(['drive'], ({method, nth}, moment) => {
      if (method === 'PUT' && ((nth === 1 && moment === 'before') || (nth === 4 && moment === 'after'))) throw cut()
      if (method === 'PUT' && nth === 2 && moment === 'before') return new Response('', {status: 503, headers: {'retry-after': '7'}})
      return undefined
    })
    const done: number[] = []
    const file = await upload(cutting.transport, {target: {name: 'big.ipynb'}, bytes, pieceLength, onProgress: (one) => void done.push(one)})
    assert.deepEqual([file.size, file.name, file.mimeType], [bytes.length, 'big.ipynb', mime.colab])
    assert.deepEqual(done, [...done].sort((a, b) => a - b))
    assert.ok(waits.includes(7000))
    assert.equal((await listNotebooks(drive, {query: 'big'})).length, 1)
    assert.ok((await readNotebook(drive, file.id)).bytes.equals(bytes))
    // a session that Google forgot is begun again; one that it goes on forgetting is not
    const forgetful = (times: number): Drive => open(['drive'], ({method, nth}) => (method === 'PUT' && nth < times ? new Response('{}', {status: 404}) : undefined))
    assert.equal((await upload(forgetful(1).transport, {target: file, bytes: bytesOf('small')})).id, file.id)
    await assert.rejects(upload(forgetful(9).transport, {target: file, bytes: bytesOf('small')}), {code: 'UPLOAD_FAILED', exit: 69})
    await assert.rejects(upload(open(['drive'], ({method}) => (method === 'PUT' ? new Response('', {status: 500}) : undefined)).transport, {target: file, bytes: bytesOf('small')}), {code: 'UPLOAD_FAILED'})
  })

  it('are read again when somebody saves them meanwhile', async () => {
    const {id, mimeType} = await findNotebook(drive, 'big')
    const old = randomBytes(300_000)
    const file = await upload(drive.transport, {target: {id, mimeType}, bytes: old})
    let saved: Promise<unknown> = Promise.resolve()
    const reading = open(['drive'], ({url, nth}, moment) => {
      if (url.searchParams.get('alt') === 'media' && nth === 0 && moment === 'before') saved = upload(drive.transport, {target: {id, mimeType}, bytes: bytesOf('saved')})
      return undefined
    })
    const wait = reading.transport.access.fetch.bind(reading.transport.access)
    reading.transport.access.fetch = async (...asked) => {
      const answer = await wait(...asked)
      await saved
      return answer
    }
    const {bytes, file: now} = await (await import('./download.ts')).download(reading, file, {pieceLength: 100_000})
    assert.equal(bytes.toString(), textOf('saved'))
    assert.notEqual(now.revision, file.revision)
  })

  it('are asked for again where that harms nothing, and not where it could', async () => {
    let asked = 0
    /** Drive that answers so to the first requests. */
    const failing = (status: number, body: object, times: number, headers: Record<string, string> = {}): Drive => {
      asked = 0
      return open(['drive'], (_, moment) => (moment === 'before' && asked++ < times ? Response.json(body, {status, headers}) : undefined))
    }
    let failed = failing(403, {error: {errors: [{reason: 'userRateLimitExceeded'}], message: 'slow down'}}, 2, {'retry-after': '3'})
    waits.length = 0
    const {id} = await findNotebook(failed, 'first')
    assert.deepEqual([asked, waits], [3, [3000, 3000]])
    failed = failing(503, {}, 1)
    await assert.rejects(failed.copy(id, {name: 'once.ipynb'}), {code: 'DRIVE_UNAVAILABLE', exit: 69, retryable: true})
    assert.equal(asked, 1)
    failed = failing(429, {}, 99)
    await assert.rejects(failed.copy(id, {name: 'once.ipynb'}), {code: 'RATE_LIMITED', exit: 69})
    assert.equal(asked, 6)
    const refusals: [status: number, reason: string, code: string, exit: number][] = [
      [401, 'authError', 'SIGN_IN_EXPIRED', 67], [403, 'insufficientPermissions', 'SCOPE_MISSING', 67], [403, 'appNotAuthorizedToFile', 'SCOPE_MISSING', 67],
      [403, 'accessNotConfigured', 'DRIVE_API_OFF', 67], [403, 'storageQuotaExceeded', 'DRIVE_FULL', 68], [403, 'dailyLimitExceeded', 'DRIVE_DAILY_LIMIT', 68],
      [403, 'insufficientFilePermissions', 'DRIVE_FORBIDDEN', 67], [404, 'notFound', 'NOTEBOOK_NOT_FOUND', 66], [302, '', 'REDIRECTED', 69], [400, 'invalid', 'DRIVE_REFUSED', 69],
    ]
    for (const [status, reason, code, exit] of refusals) {
      failed = failing(status, {error: {errors: [{reason}], message: `no\u001b[2J`}}, 1)
      await assert.rejects(failed.get(id), (error: unknown) => {
        assert.ok(error instanceof CgpuError)
        assert.deepEqual([error.code, error.exit, /\u001b/.test(error.message)], [code, exit, false])
        assert.ok(error.fix)
        return true
      })
    }
    failed = failing(200, {nothing: true}, 1)
    await assert.rejects(failed.get(id), {code: 'PROTOCOL', exit: 69})
  })

  it('that others made are hidden from a sign-in for own files, which is said', async () => {
    const own = open(['drive.file'], undefined)
    const {id} = await bed.client('ada@example.com', ['drive'], 'client-2').files.create({requestBody: {name: 'theirs.ipynb'}, media: {mimeType: mime.colab, body: textOf('x')}}, bed.at).then(({data}) => data)
    assert.deepEqual(await listNotebooks(own, {query: 'theirs'}), [])
    for (const ref of ['theirs', id ?? '']) await assert.rejects(findNotebook(own, ref), {code: 'NOTEBOOK_NOT_FOUND', fix: /cgpu auth login --account ada@example\.com --scopes drive$/})
    const readonly = open(['drive.readonly'])
    await assert.rejects(upload(readonly.transport, {target: {name: 'x.ipynb'}, bytes: bytesOf('x')}), {code: 'SCOPE_MISSING', exit: 67})
  })

  it('are shared, and no more', async () => {
    const file = await findNotebook(drive, 'first')
    const sharing = {people: [], anyone: false, remove: [], role: 'reader', notify: false}
    const who = async (more: object) => (await share(drive, file, {...sharing, ...more})).map(({email, type, role}) => `${email ?? type} ${role}`)
    assert.deepEqual(await who({}), ['ada@example.com owner'])
    assert.deepEqual(await who({people: ['bob@example.com'], role: 'writer', anyone: true}), ['ada@example.com owner', 'bob@example.com writer', 'anyone writer'])
    assert.deepEqual(await who({remove: ['anyone', 'BOB@example.com']}), ['ada@example.com owner'])
    await assert.rejects(who({people: ['bob']}), {code: 'INVALID_ADDRESS', exit: 64})
    await assert.rejects(who({people: ['eve@example.com'], remove: ['bob@example.com']}), {code: 'NOT_SHARED_WITH', exit: 66})
    await assert.rejects(who({remove: ['ada@example.com']}), {code: 'OWNER_STAYS', exit: 64})
    assert.deepEqual(await who({}), ['ada@example.com owner'])
  })

  describe('and the files they came from', () => {
    let folder: string
    let store: GotStore
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cgpu-notebook-drive-'))
      store = new GotStore(folder)
    })
    after(() => rm(folder, {recursive: true, force: true}))
    const at = (name: string): string => join(folder, name)
    const put = (name: string, more: object = {}) => putNotebook(drive, at(name), {force: false, asNew: false, store, ...more})
    const get = (ref: string, name: string, more: object = {}) => getNotebook(drive, ref, {out: at(name), force: false, store, ...more})

    it('go back and forth, and lose no change on either side', async () => {
      await writeFile(at('work.ipynb'), textOf('1'))
      const made = await put('work.ipynb')
      assert.deepEqual([made.status, made.file.name], ['created', 'work.ipynb'])
      assert.equal((await put('work.ipynb')).status, 'unchanged')
      await writeFile(at('work.ipynb'), textOf('2'))
      // known also under another name
      await drive.update(made.file.id, {name: 'renamed.ipynb'})
      const updated = await put('work.ipynb')
      assert.deepEqual([updated.status, updated.file.id, updated.file.name], ['updated', made.file.id, 'renamed.ipynb'])
      // changed there
      await writeNotebook(drive, 'renamed', bytesOf('3'))
      await writeFile(at('work.ipynb'), textOf('4'))
      await assert.rejects(put('work.ipynb'), {code: 'DRIVE_CHANGED', exit: 72, fix: /notebook get .* -o theirs\.ipynb; .* --force/})
      await assert.rejects(get('renamed', 'work.ipynb'), {code: 'LOCAL_CHANGED', exit: 72})
      assert.equal(await readFile(at('work.ipynb'), 'utf8'), textOf('4'))
      assert.equal((await put('work.ipynb', {force: true})).status, 'updated')
      assert.equal((await readNotebook(drive, 'renamed')).bytes.toString(), textOf('4'))
      await writeNotebook(drive, 'renamed', bytesOf('5'))
      assert.equal((await get('renamed', 'work.ipynb')).changed, true)
      assert.equal((await get('renamed', 'work.ipynb')).changed, false)
      // put into the trash by somebody, it is made anew
      await drive.update(made.file.id, {trashed: true})
      await writeFile(at('work.ipynb'), textOf('6'))
      const anew = await put('work.ipynb')
      assert.deepEqual([anew.status, anew.file.name, anew.file.id === made.file.id], ['created', 'work.ipynb', false])
    })

    it('give way to whoever saves during a long upload', async () => {
      const pieceLength = 256 * 1024
      await writeFile(at('long.ipynb'), textOf('1'))
      await put('long.ipynb')
      await writeFile(at('long.ipynb'), textOf('x'.repeat(2 * pieceLength)))
      const slow = open()
      const plain = slow.access.fetch.bind(slow.access)
      let saved = false
      slow.access.fetch = async (url, options) => {
        const answer = await plain(url, options)
        if (options?.method === 'PUT' && !saved) {
          saved = true
          await writeNotebook(drive, 'long', bytesOf('theirs'))
        }
        return answer
      }
      await assert.rejects(putNotebook(slow, at('long.ipynb'), {force: false, asNew: false, store, pieceLength}), {code: 'DRIVE_CHANGED', exit: 72})
      assert.equal((await readNotebook(drive, 'long')).bytes.toString(), textOf('theirs'))
      assert.equal((await put('long.ipynb', {force: true, pieceLength})).status, 'updated')
    })

    it('that are strangers to each other are not taken for the same', async () => {
      await writeNotebook(drive, 'stranger', bytesOf('there'))
      await writeFile(at('stranger.ipynb'), textOf('here'))
      await assert.rejects(put('stranger.ipynb'), {code: 'NOTEBOOK_EXISTS', exit: 72})
      await assert.rejects(get('stranger', 'stranger.ipynb'), {code: 'LOCAL_CHANGED', exit: 72})
      const both = await put('stranger.ipynb', {asNew: true, ref: 'stranger-2'})
      assert.deepEqual([both.status, both.file.name], ['created', 'stranger-2.ipynb'])
      await assert.rejects(put('none.ipynb'), {code: 'NOTEBOOK_NOT_FOUND', exit: 66})
      await writeFile(at('broken.ipynb'), '{"cells": [')
      await assert.rejects(put('broken.ipynb'), {code: 'NOTEBOOK_NOT_JSON', exit: 65})
      await writeNotebook(drive, 'broken', Buffer.from('{"cells": ['))
      await assert.rejects(get('broken', 'fetched.ipynb'), {code: 'NOTEBOOK_NOT_JSON', exit: 65})
      await assert.rejects(readFile(at('fetched.ipynb')), {code: 'ENOENT'})
      await writeFile(join(folder, 'notebooks', 'drive.json'), '{"version":')
      await assert.rejects(put('stranger.ipynb'), {code: 'NOTEBOOK_EXISTS'})
    })

    it('begin as Colab writes them, or as a template of the user', async () => {
      const begun = async (template: string): Promise<Record<string, unknown>> => {
        const text = await templateText(template, {folder, drive})
        assert.equal(parseNotebook(text, template).cells.length, 1)
        return (JSON.parse(text) as {metadata: Record<string, unknown>}).metadata
      }
      const kernel = {kernelspec: {name: 'python3', display_name: 'Python 3'}, language_info: {name: 'python'}}
      assert.deepEqual(await begun('default'), {colab: {provenance: []}, ...kernel})
      assert.deepEqual(await begun('gpu'), {colab: {provenance: [], gpuType: 'T4'}, ...kernel, accelerator: 'GPU'})
      assert.deepEqual(await begun('tpu'), {colab: {provenance: [], gpuType: 'V5E1'}, ...kernel, accelerator: 'TPU'})
      await writeFile(at('mine.ipynb'), textOf('mine'))
      for (const template of ['mine', at('mine.ipynb'), 'drive:stranger']) assert.deepEqual(await begun(template), {})
      await assert.rejects(begun('yours'), {code: 'UNKNOWN_TEMPLATE', exit: 64, fix: /^choose of: default, gpu, tpu, .*mine/})
      await assert.rejects(begun(at('broken.ipynb')), {code: 'NOTEBOOK_NOT_JSON', exit: 65})
    })
  })
})

import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {readdir} from 'node:fs/promises'
import {request} from 'node:http'
import {join} from 'node:path'
import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import fc from 'fast-check'
import {DriveBed, tokenFor} from '../../../../test/helpers/drive.ts'
import {parts} from './upload/multipart.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const unit = 256 * 1024
const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('uploads to Drive', () => {
  let bed: DriveBed
  beforeEach(async () => { bed = await DriveBed.open() })
  afterEach(() => bed.close())

  const begin = async (total?: number, path = '/upload/drive/v3/files?uploadType=resumable&fields=*', method = 'POST'): Promise<string> => {
    const answer = await bed.fetch(path, {
      method, body: JSON.stringify({name: 'big.bin'}),
      headers: {'content-type': 'application/json', 'x-upload-content-type': 'application/x-big', ...(total === undefined ? {} : {'x-upload-content-length': String(total)})},
    })
    assert.equal(answer.status, 200)
    return answer.headers.get('location') ?? ''
  }
  const put = (url: string, body: Uint8Array | undefined, range?: string): Promise<Response> =>
    bed.fetch(url, {method: 'PUT', ...(body === undefined ? {} : {body: Buffer.from(body)}), headers: range === undefined ? {} : {'content-range': range}})
  const received = async (url: string, total: number | '*'): Promise<number> => {
    const answer = await put(url, undefined, `bytes */${total}`)
    assert.equal(answer.status, 308)
    const range = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')
    return range ? Number(range[1]) + 1 : 0
  }
  const file = async (answer: Response): Promise<Record<string, string>> => {
    assert.equal(answer.status, 200, await answer.clone().text())
    return await answer.json() as Record<string, string>
  }
  const reason = async (answer: Response): Promise<[number, string]> => [answer.status, (await answer.json() as {error: {message: string}}).error.message]

  it('takes a multipart body as the client sends it, and one in base64', async () => {
    const bytes = randomBytes(100_000)
    const body = (encoding: string, content: Buffer | string): Buffer<ArrayBuffer> => Buffer.concat([
      Buffer.from('--b\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{"name":"x.bin"}\r\n--b\r\n'),
      Buffer.from(`Content-Type: application/x-test\r\n${encoding}\r\n`), Buffer.from(content), Buffer.from('\r\n--b--'),
    ])
    for (const sent of [body('', bytes), body('Content-Transfer-Encoding: base64\r\n', bytes.toString('base64'))]) {
      const made = await file(await bed.fetch('/upload/drive/v3/files?uploadType=multipart&fields=*', {method: 'POST', body: sent, headers: {'content-type': 'multipart/related; boundary=b'}}))
      assert.deepEqual([made.name, made.mimeType, made.size, made.sha256Checksum], ['x.bin', 'application/x-test', '100000', sum(bytes)])
    }
  })

  for (const [what, type, body] of [
    ['no boundary', 'multipart/related', '--b--'], ['no parts', 'multipart/related; boundary=b', '--b--'], ['one part', 'multipart/related; boundary=b', '--b\r\n\r\n{}\r\n--b--'],
    ['a body that ends early', 'multipart/related; boundary=b', '--b\r\n\r\n{}\r\n--b\r\n\r\nxyz'], ['metadata that is no JSON', 'multipart/related; boundary=b', '--b\r\n\r\n{\r\n--b\r\n\r\nx\r\n--b--'],
  ] as const) {
    it(`refuses a multipart upload with ${what}, and keeps nothing of it`, async () => {
      const answer = await bed.fetch('/upload/drive/v3/files?uploadType=multipart', {method: 'POST', body, headers: {'content-type': type}})
      assert.equal(answer.status, 400)
      for (const folder of ['arriving', 'content']) assert.deepEqual(await readdir(join(bed.folder, folder)), [])
    })
  }

  it('splits a multipart body right wherever the network splits it', async () => {
    const content = Buffer.from('ab\r\n--\r\n--bound\r\n-\n-')
    await fc.assert(fc.asyncProperty(fc.constantFrom('\r\n', '\n'), fc.array(fc.nat(200), {maxLength: 8}), async (end, places) => {
      const text = (lines: string[]): Buffer => Buffer.from(lines.join(end))
      const body = Buffer.concat([text(['--boundary', 'A: 1', '', '{}', '--boundary', '', '']), content, text(['', '--boundary', '', '', '--boundary--', ''])])
      const cuts = places.map((place) => Math.min(place, body.length))
      const edges = [0, ...cuts.toSorted((a, b) => a - b), body.length]
      const source = (async function* () {
        await Promise.resolve()
        for (let at = 1; at < edges.length; at++) yield body.subarray(edges[at - 1], edges[at])
      })()
      const found: string[] = []
      for await (const part of parts(source, 'boundary')) {
        const chunks: Buffer[] = []
        for await (const chunk of part.body) chunks.push(chunk)
        found.push(Buffer.concat(chunks).toString())
      }
      assert.deepEqual(found, ['{}', content.toString(), ''])
    }))
  })

  it('takes a resumable upload in chunks, tells how far it came, and answers the same again', async () => {
    const bytes = randomBytes(2 * unit + 100)
    const url = await begin(bytes.length)
    assert.equal(await received(url, bytes.length), 0)
    const first = await put(url, bytes.subarray(0, unit), `bytes 0-${unit - 1}/${bytes.length}`)
    assert.deepEqual([first.status, first.headers.get('range')], [308, `bytes=0-${unit - 1}`])
    const made = await file(await put(url, bytes.subarray(unit), `bytes ${unit}-${bytes.length - 1}/${bytes.length}`))
    assert.deepEqual([made.name, made.mimeType, made.sha256Checksum], ['big.bin', 'application/x-big', sum(bytes)])
    const again = await file(await put(url, undefined, 'bytes */*'))
    assert.equal(again.id, made.id)
  })

  it('takes a whole upload in one request, an empty one, and one whose length comes last', async () => {
    const bytes = randomBytes(unit + 7)
    assert.equal((await file(await put(await begin(), bytes))).sha256Checksum, sum(bytes))
    assert.equal((await file(await put(await begin(0), undefined, 'bytes */0'))).size, '0')
    const url = await begin()
    assert.equal((await put(url, bytes.subarray(0, unit), `bytes 0-${unit - 1}/*`)).status, 308)
    assert.equal((await file(await put(url, bytes.subarray(unit), `bytes ${unit}-${unit + 6}/${unit + 7}`))).sha256Checksum, sum(bytes))
  })

  it('keeps whole units of a chunk, refuses small ones and gaps', async () => {
    const bytes = randomBytes(3 * unit)
    const url = await begin(bytes.length)
    assert.match((await reason(await put(url, bytes.subarray(0, 1000), `bytes 0-999/${bytes.length}`)))[1], /required to be equal or greater than 262144/)
    assert.equal((await put(url, bytes.subarray(0, unit + 5), `bytes 0-${unit + 4}/${bytes.length}`)).headers.get('range'), `bytes=0-${unit - 1}`)
    assert.match((await reason(await put(url, bytes.subarray(2 * unit), `bytes ${2 * unit}-${3 * unit - 1}/${bytes.length}`)))[1], /exceeds already uploaded size of 262144/)
    for (const range of ['bytes 5-1/10', 'bytes', 'bytes a-b/c', 'bytes 0-10/5']) assert.equal((await put(url, bytes.subarray(0, 5), range)).status, 400)
    assert.equal((await file(await put(url, bytes, `bytes 0-${bytes.length - 1}/${bytes.length}`))).sha256Checksum, sum(bytes))
  })

  it('forgets a session after a week, when it is cancelled, and when it never was', async () => {
    const [old, cancelled] = [await begin(10), await begin(10)]
    assert.equal((await bed.fetch(cancelled, {method: 'DELETE'})).status, 499)
    bed.ahead += 7 * 24 * 3_600_000
    for (const url of [old, cancelled, `${bed.url}/upload/drive/v3/files?uploadType=resumable&upload_id=none`]) assert.equal((await put(url, undefined, 'bytes */10')).status, 404)
    const stranger = await begin(10)
    assert.equal((await bed.fetch(stranger, {method: 'PUT', as: 'bob@example.com', headers: {'content-range': 'bytes */10'}})).status, 404)
  })

  it('needs no token to go on with an upload', async () => {
    const url = await begin(4)
    assert.equal((await fetch(url, {method: 'PUT', headers: {'content-range': 'bytes */4'}})).status, 308)
    assert.equal((await file(await fetch(url, {method: 'PUT', body: 'four'}))).size, '4')
    assert.equal((await fetch(url, {method: 'POST', body: 'four'})).status, 401)
  })

  it('replaces content the three ways and keeps the revisions', async () => {
    const drive = bed.client()
    const {data} = await drive.files.create({requestBody: {name: 'a.txt'}, media: {mimeType: 'text/plain', body: 'one'}}, bed.at)
    const id = data.id ?? ''
    await drive.files.update({fileId: id, media: {mimeType: 'text/plain', body: 'two'}, requestBody: {description: 'd'}}, bed.at)
    await bed.fetch(`/upload/drive/v3/files/${id}?uploadType=media`, {method: 'PATCH', body: 'three'})
    await file(await put(await begin(4, `/upload/drive/v3/files/${id}?uploadType=resumable&fields=*`, 'PATCH'), Buffer.from('four')))
    const {data: list} = await drive.revisions.list({fileId: id, fields: 'revisions(id,size,md5Checksum)'})
    assert.deepEqual(list.revisions?.map((one) => one.size), ['3', '3', '5', '4'])
    const first = await drive.revisions.get({fileId: id, revisionId: list.revisions?.[0]?.id ?? '', alt: 'media'}, {responseType: 'text'})
    assert.equal(first.data, 'one')
    assert.equal((await drive.files.get({fileId: id, fields: 'headRevisionId'})).data.headRevisionId, list.revisions?.[3]?.id)
  })

  it('comes to the same bytes wherever the connection is cut', async function () {
    this.timeout(60_000)
    const bytes = randomBytes(5 * unit + 12_345)
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.integer({min: 1, max: 5 * unit}), fc.integer({min: 0, max: 3 * unit})), {maxLength: 5}), async (cuts) => {
      const url = await begin(bytes.length)
      for (const [length, sent] of cuts) {
        const start = await received(url, bytes.length)
        const end = Math.min(bytes.length, start + length)
        await cutOff(url, bytes.subarray(start, Math.min(end, start + sent)), `bytes ${start}-${end - 1}/${bytes.length}`, end - start)
      }
      const last = await put(url, undefined, `bytes */${bytes.length}`)
      if (last.status === 200) return
      const start = await received(url, bytes.length)
      const made = await file(await put(url, bytes.subarray(start), `bytes ${start}-${bytes.length - 1}/${bytes.length}`))
      assert.equal(made.sha256Checksum, sum(bytes))
    }), {numRuns: 15})
  })

  /** Sends part of what was announced, then breaks the connection; all of it is an ordinary request. */
  const cutOff = (url: string, body: Uint8Array, range: string, length: number): Promise<void> => new Promise((resolve) => {
    const headers = {'authorization': `Bearer ${tokenFor('ada@example.com', ['drive'], 'client-1')}`, 'content-range': range, 'content-length': length}
    const sending = request(url, {method: 'PUT', headers}, (response) => { response.resume() })
    for (const end of ['close', 'error']) sending.on(end, () => resolve())
    sending.write(body, () => {
      if (body.length < length) sending.destroy()
      else sending.end()
    })
  })

  it('streams: 100 MB go through without staying in memory', async function () {
    this.timeout(60_000)
    const [chunk, count] = [randomBytes(2 ** 20), 100]
    const hash = createHash('sha256')
    const used = (): number => {
      collect()
      return process.memoryUsage().arrayBuffers
    }
    const base = used()
    let [sent, most] = [0, 0]
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ === count) return controller.close()
        if (sent % 50 === 0) most = Math.max(most, used() - base)
        hash.update(chunk)
        controller.enqueue(chunk)
      },
    })
    const made = await file(await bed.fetch('/upload/drive/v3/files?uploadType=media&fields=*', {method: 'POST', body, duplex: 'half'}))
    assert.deepEqual([made.size, made.sha256Checksum], [String(count * chunk.length), hash.digest('hex')])
    const back = await bed.fetch(`/drive/v3/files/${made.id}?alt=media`)
    let [got, next] = [0, 0]
    for await (const part of back.body ?? []) {
      got += part.length
      if (got < next) continue
      next = got + 50 * chunk.length
      most = Math.max(most, used() - base)
    }
    assert.equal(got, count * chunk.length)
    assert.ok(most < 30 * 2 ** 20, `${Math.round(most / 2 ** 20)} MiB of buffers`)
  })
})

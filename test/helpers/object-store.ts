import {createHash} from 'node:crypto'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

interface Stored {
  data: Buffer
  version: string
}

interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Buffer
}

/** Objects by HTTP as a web server with PUT (`/web/NAME`), S3 (`/s3/BUCKET/KEY`) and Cloud Storage's JSON API have them, with versions and conditions. */
export interface ObjectStore {
  url: string
  /** by `web/NAME`, `s3/BUCKET/KEY`, `gs/BUCKET/OBJECT` */
  objects: Map<string, Stored>
  put(name: string, text: string): void
  text(name: string): string | undefined
  asked: Asked[]
  /** what the next requests of these paths answer in place of what they would; `cut` closes the connection after the work was done */
  next: {path: RegExp; status?: number; headers?: Record<string, string>; body?: string; cut?: boolean}[]
  /** who may in: an authorization header that begins so */
  let: {s3: string; gs: string}
  close(): Promise<void>
}

export async function startObjectStore(): Promise<ObjectStore> {
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let generation = 1000
  const store: ObjectStore = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    objects: new Map(), asked: [], next: [], let: {s3: 'AWS4-HMAC-SHA256 Credential=AKIDTEST/', gs: 'Bearer token-of-gs'},
    put: (name, text) => void store.objects.set(name, {data: Buffer.from(text), version: String(++generation)}),
    text: (name) => store.objects.get(name)?.data.toString(),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const asked: Asked = {method: request.method ?? '', path: request.url ?? '/', headers: request.headers, body: Buffer.concat(chunks)}
    store.asked.push(asked)
    const at = store.next.findIndex(({path}) => path.test(asked.path))
    const [special] = at === -1 ? [] : store.next.splice(at, 1)
    if (special?.status !== undefined) {
      response.writeHead(special.status, special.headers).end(special.body)
      return
    }
    const {status, headers = {}, body = ''} = act(asked)
    if (special?.cut) response.destroy()
    else response.writeHead(status, headers).end(asked.method === 'HEAD' ? undefined : body)
  }

  function act(asked: Asked): {status: number; headers?: Record<string, string>; body?: Buffer | string} {
    const url = new URL(asked.path, store.url)
    const [, kind] = url.pathname.split('/')
    if (kind === 'web') return object(asked, decodeURIComponent(url.pathname.slice(1)))
    if (kind === 's3') {
      if (!(asked.headers.authorization ?? '').startsWith(store.let.s3)) return {status: 403, body: '<Error><Code>AccessDenied</Code><Message>Access &quot;Denied&quot;</Message></Error>'}
      if (asked.headers['x-amz-content-sha256'] !== createHash('sha256').update(asked.body).digest('hex')) return {status: 400, body: '<Error><Message>another hash</Message></Error>'}
      if (url.pathname.startsWith('/s3/none/')) return {status: 404, body: '<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>'}
      if (url.searchParams.has('uploads')) return {status: 200, body: '<InitiateMultipartUploadResult><UploadId>up&amp;1</UploadId></InitiateMultipartUploadResult>'}
      if (url.searchParams.has('uploadId')) return {status: url.searchParams.get('uploadId') === 'up&1' ? 204 : 404}
      return object(asked, decodeURIComponent(url.pathname.slice(1)))
    }
    return cloudStorage(asked, url)
  }

  function cloudStorage(asked: Asked, url: URL): {status: number; headers?: Record<string, string>; body?: Buffer | string} {
    if (!(asked.headers.authorization ?? '').startsWith(store.let.gs)) return {status: 401, body: '{"error": {"message": "Login Required."}}'}
    const [, bucket = '', rest = ''] = /\/storage\/v1\/b\/([^/]+)\/(.*)$/.exec(url.pathname) ?? []
    if (bucket === 'none') return {status: 404, body: '{"error": {"message": "The specified bucket does not exist."}}'}
    if (rest === 'iam/testPermissions') return {status: 200, body: JSON.stringify(bucket === 'readonly' ? {} : {permissions: url.searchParams.getAll('permissions')})}
    const name = `gs/${bucket}/${url.searchParams.get('name') ?? decodeURIComponent(rest.replace(/^o\//, ''))}`
    const there = store.objects.get(name)
    if (asked.method === 'POST') {
      const wanted = url.searchParams.get('ifGenerationMatch')
      if (wanted !== null && wanted !== (there?.version ?? '0')) return {status: 412}
      store.put(name, asked.body.toString())
    } else if (!there) return {status: 404}
    const {version, data} = store.objects.get(name) ?? {version: '', data: Buffer.alloc(0)}
    if (url.searchParams.get('alt') === 'media') return {status: 200, headers: {'x-goog-generation': version}, body: data}
    return {status: 200, body: JSON.stringify({generation: version})}
  }

  function object({method, headers, body}: Asked, name: string): {status: number; headers?: Record<string, string>; body?: Buffer} {
    const there = store.objects.get(name)
    if (method === 'PUT') {
      if (headers['if-none-match'] === '*' && there) return {status: 412}
      if (headers['if-match'] !== undefined && headers['if-match'] !== `"${there?.version}"`) return {status: 412}
      store.put(name, body.toString())
      return {status: 200, headers: {etag: `"${store.objects.get(name)?.version}"`}}
    }
    if (!there) return {status: 404}
    return {status: 200, headers: {etag: `"${there.version}"`}, body: there.data}
  }

  return store
}

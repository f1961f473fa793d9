import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** A server of one file, with ranges, that breaks as a test tells it. */
export interface FileSite {
  url: string
  data: Uint8Array
  etag: string
  /** of every request so far */
  asked: {path: string; headers: IncomingMessage['headers']}[]
  /** how many bytes each next answer gives before its connection is cut; without one it is whole */
  cuts: number[]
  /** answers of paths that are no file */
  answers: Record<string, {status: number; headers?: Record<string, string>; body?: string}>
  /** while set, answers stop after so many bytes until it is called */
  hold: {after: number; release: () => void} | undefined
  /** answers wait from now on, after so many bytes */
  holdAfter(bytes: number): void
  close(): Promise<void>
}

export async function startFileSite(data: Uint8Array, port = 0): Promise<FileSite> {
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  let held = Promise.resolve()
  const site: FileSite = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    data, etag: '"one"', asked: [], cuts: [], answers: {}, hold: undefined,
    holdAfter(after) {
      const {promise, resolve} = Promise.withResolvers<void>()
      held = promise
      site.hold = {after, release: () => {
        site.hold = undefined
        resolve()
      }}
    },
    async close() {
      site.hold?.release()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').replace(/\?.*/, '')
    site.asked.push({path: request.url ?? '/', headers: request.headers})
    const special = site.answers[path]
    if (special) {
      response.writeHead(special.status, special.headers).end(special.body)
      return
    }
    const range = request.headers['if-range'] === site.etag ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '') : null
    const from = Number(range?.[1] ?? 0)
    response.writeHead(range ? 206 : 200, {
      etag: site.etag, 'content-length': site.data.length - from, ...(range ? {'content-range': `bytes ${from}-${site.data.length - 1}/${site.data.length}`} : {}),
    })
    const cut = site.cuts.shift()
    if (cut !== undefined) {
      response.write(site.data.subarray(from, from + cut), () => response.destroy())
      return
    }
    const {hold} = site
    if (hold) {
      response.write(site.data.subarray(from, from + hold.after))
      await held
      response.end(site.data.subarray(from + hold.after))
      return
    }
    response.end(site.data.subarray(from))
  }
  return site
}

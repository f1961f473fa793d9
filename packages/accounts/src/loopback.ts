import type * as http from 'node:http'
import type {AddressInfo} from 'node:net'
import {randomBytes} from 'node:crypto'
import {errors} from '@cgpu/core/errors'

/** Waits on 127.0.0.1 for the browser to come back from Google. RFC 8252 section 7.3. */
export interface Loopback {
  /** what Google is told */
  redirectUri: string
  /** A callback that came another way (pasted). Returns why it is not the one; undefined: it is. */
  offer(text: string): string | undefined
  /** the callback, with its code or its error; rejects when the time is up or the signal aborts */
  callback: Promise<URL>
  close(): Promise<void>
}

export interface LoopbackOptions {
  /** ties the answer to this sign-in */
  state: string
  /** the whole redirect URI, where the client allows only one; default: any free port, and a path of its own */
  redirectUri?: string | undefined
  timeoutMs: number
  signal?: AbortSignal | undefined
}

const {createServer} = process.getBuiltinModule('node:http')

/** Throws PORT_TAKEN (69) for a fixed port that is in use. */
export async function listen({state, redirectUri: fixed, timeoutMs, signal}: LoopbackOptions): Promise<Loopback> {
  const {promise: callback, resolve, reject} = Promise.withResolvers<URL>()
  callback.catch(() => undefined) // who waits for it may come later
  const wanted = fixed === undefined ? undefined : new URL(fixed)
  const path = wanted?.pathname ?? `/callback/${randomBytes(6).toString('hex')}`
  let redirectUri = ''
  let taken = false

  const check = (url: URL): string | undefined => {
    if (url.pathname !== path) return 'it is not the address that Google sends back'
    const once = (name: string): string | undefined => {
      const values = url.searchParams.getAll(name)
      return values.length === 1 ? values[0] : undefined
    }
    if (once('state') !== state) return 'it belongs to another sign-in'
    if (once('code') === undefined && once('error') === undefined) return 'it holds no code'
    if (taken) return 'it was given already'
    taken = true
    resolve(url)
  }

  const server = createServer((request, response) => {
    if (request.method !== 'GET') return answer(response, 405, 'only GET')
    // a page elsewhere must not reach this server under a name of its own
    if (request.headers.host !== new URL(redirectUri).host) return answer(response, 421, 'not this host')
    const url = URL.canParse(request.url ?? '', redirectUri) ? new URL(request.url ?? '', redirectUri) : undefined
    if (url?.pathname !== path) return answer(response, 404, 'nothing is here')
    if (check(url) !== undefined) return answer(response, 400, 'this is not the sign-in that cgpu waits for')
    answer(response, 200, 'cgpu has its answer. Close this page and go back to the terminal')
  })
  server.on('connection', socket => socket.unref())
  const port = wanted === undefined ? 0 : Number(wanted.port)
  await new Promise<void>((done, fail) => {
    server.once('error', error => fail(errors.network(`port ${port} of this machine is taken, and the OAuth client allows no other`, {
      code: 'PORT_TAKEN', fix: 'end the program that listens there, or use a client of the type "Desktop app"', cause: error,
    })))
    server.listen(port, '127.0.0.1', done)
  })
  const {port: chosen} = server.address() as AddressInfo // listening on TCP
  redirectUri = fixed ?? `http://127.0.0.1:${chosen}${path}`

  const timer = setTimeout(() => reject(errors.auth(`nobody signed in within ${timeoutMs / 60_000} min`, {
    code: 'SIGN_IN_TIMEOUT', fix: 'cgpu auth login',
  })), timeoutMs)
  const abort = (): void => reject(signal?.reason as Error) // whoever aborts gives an error
  signal?.addEventListener('abort', abort, {once: true})
  if (signal?.aborted) abort()

  return {
    redirectUri,
    offer: text => (URL.canParse(text.trim(), redirectUri) ? check(new URL(text.trim(), redirectUri)) : 'it is not an address'),
    callback,
    async close() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      // the page is on its way to the browser: a closed server sends what it has begun
      await new Promise<void>(done => {
        server.close(() => done())
        setTimeout(() => server.closeAllConnections(), 500).unref()
      })
    },
  }
}

/** Constant pages: nothing that was sent here is shown again. */
function answer(response: http.ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 405 ? {allow: 'GET'} : {}),
  })
  response.end(`<!doctype html><html lang="en"><head><title>cgpu</title></head><body><p>${text}.</p></body></html>\n`)
}

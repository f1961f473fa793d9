import {createHash, randomBytes, timingSafeEqual} from 'node:crypto'
import type {IncomingHttpHeaders} from 'node:http'
import type {Refusal} from '../reverse-proxy/refuse.ts'
import {queryValues} from '../reverse-proxy/target.ts'

/** What of a request tells who sent it. */
export interface Caller {
  method: string
  headers: IncomingHttpHeaders
  query: string
  /** it asks to become a WebSocket */
  upgrade: boolean
}

/** `cookie`: to be given to the browser that came with the token in its address. */
export type Verdict = {allowed: true; cookie?: string} | (Refusal & {allowed: false})

/**
 * Who may use the proxy: whoever knows its token, as a Jupyter server asks for it (`Authorization: token …`, `?token=…`), and
 * the browser that came with it once and got a cookie. Cookies are shared by all ports of this machine and are sent along by
 * pages of others, so that one counts only for requests of the proxy's own pages, and to open a page.
 */
export class Door {
  readonly #token: Buffer
  readonly #cookieName: string
  /** what the cookie holds: never the token itself, which servers on other ports would see */
  readonly #ticket = randomBytes(24).toString('hex')

  constructor(token: string, port: number) {
    this.#token = digest(token)
    this.#cookieName = `cgpu-jupyter-${port}`
  }

  judge(caller: Caller): Verdict {
    const given = givenTokens(caller)
    if (given.length > 0) {
      if (!given.every((token) => equal(token, this.#token))) return refused('this is not the token of this proxy: use the address that cgpu printed')
      // who sends a header keeps none, and would be sent on for ever
      return isPageLoad(caller) && caller.headers.authorization === undefined ? {allowed: true, cookie: `${this.#cookieName}=${this.#ticket}; Path=/; HttpOnly; SameSite=Lax`} : {allowed: true}
    }
    const tickets = cookies(caller.headers.cookie).filter(([name]) => name === this.#cookieName)
    if (!tickets.some(([, value]) => equal(value, digest(this.#ticket)))) return refused('a token is needed: use the address that cgpu printed, with its ?token=')
    if (!isOwnPage(caller)) return {allowed: false, status: 403, message: 'requests of other sites are refused'}
    return {allowed: true}
  }
}

/** A browser that opens an address: it can be sent on, and keeps cookies. */
export function isPageLoad({method, headers, upgrade}: Caller): boolean {
  if (method !== 'GET' || upgrade) return false
  const destination = headers['sec-fetch-dest']
  return destination === undefined ? (headers.accept ?? '').includes('text/html') : destination === 'document'
}

/** Browsers say where a request comes from by Sec-Fetch-Site, and by Origin for all that changes something or opens a WebSocket. */
function isOwnPage(caller: Caller): boolean {
  const {method, headers, upgrade} = caller
  const site = headers['sec-fetch-site']
  if (site === 'same-origin') return true
  // that an Origin is ours is checked before
  if (upgrade || !/^(GET|HEAD|OPTIONS)$/.test(method)) return headers.origin !== undefined && site === undefined
  return site === undefined || site === 'none' || isPageLoad(caller)
}

function givenTokens({headers, query}: Caller): string[] {
  const {authorization} = headers
  // another scheme than Jupyter's, or nothing behind it, is a wrong token
  const header = authorization === undefined ? [] : [/^(?:token|bearer) +(\S+) *$/i.exec(authorization)?.[1] ?? '']
  return [...header, ...queryValues(query, 'token')]
}

/** Names and values of a Cookie header. */
export function cookies(header: string | undefined): [string, string][] {
  return (header ?? '').split(';').flatMap((one): [string, string][] => {
    const at = one.indexOf('=')
    return at < 0 ? [] : [[one.slice(0, at).trim(), one.slice(at + 1).trim()]]
  })
}

function refused(message: string): Verdict {
  return {allowed: false, status: 401, message}
}

function equal(given: string, wanted: Buffer): boolean {
  return timingSafeEqual(digest(given), wanted)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

import type {ServerOptions} from '@cgpu/jupyter'
import type {AnswerHead, ForwardOptions} from '../reverse-proxy/forward.ts'
import {type HeaderMap, single, withHeaders} from '../reverse-proxy/headers.ts'
import type {Refusal} from '../reverse-proxy/refuse.ts'
import {withoutQuery} from '../reverse-proxy/target.ts'
import {cookies} from './door.ts'
import {pageToken} from './page-token.ts'

/** The server behind the proxy, and what is to be known of the runtime to speak of it. */
export interface Place {
  name: string
  /** with its base path and a trailing slash */
  url: URL
  /** its token, where it has one */
  token?: string | undefined
  /** nothing is sent to it that says who asks */
  open: boolean
}

/** Credentials are one side's own. These are the proxy's, and what Colab's edge takes for one. */
const credentialParameters = ['token', 'colab-runtime-proxy-token', 'authuser']
const xsrf = '_xsrf'

export function placeOf(name: string, {url, token, headers}: ServerOptions): Place {
  const given = new URL(url)
  return {name, token, url: new URL(given.pathname.replace(/\/*$/, '/'), given.origin), open: !token && headers === undefined}
}

/** The path and query that the server is asked for. */
export function outgoingPath(path: string, query: string): string {
  const rest = withoutQuery(query, credentialParameters)
  return rest === '' ? path : `${path}?${rest}`
}

/** How a request of this caller is passed on: nothing of the caller's credentials goes out, nothing of the server's comes back. */
export function rewriting(place: Place, ours: string, path: string): Pick<ForwardOptions, 'outgoing' | 'incoming'> {
  return {outgoing: (headers) => outgoing(place, headers), incoming: (head) => incoming(place, ours, path, head)}
}

function outgoing({url, open}: Place, headers: HeaderMap): HeaderMap {
  // all ports of this machine share their cookies: those of other servers are not the runtime's business
  const own = cookies(single(headers, 'cookie')).filter(([name]) => name === xsrf).map(([, value]) => value)
  const header = single(headers, 'x-xsrftoken')
  // a server without a token wants the two to be the same, and a client with the proxy's token knows of neither
  const cookie = own[0] ?? (open ? (header ?? 'c9b0') : undefined)
  return withHeaders(headers, {
    authorization: undefined, forwarded: undefined, 'x-forwarded-for': undefined, 'x-forwarded-host': undefined, 'x-forwarded-proto': undefined, 'x-real-ip': undefined,
    cookie: cookie === undefined ? undefined : `${xsrf}=${cookie}`,
    ...(open && cookie !== undefined && {'x-xsrftoken': header ?? cookie}),
    // servers, and Colab's edge, refuse pages of another origin than their own
    ...('origin' in headers && {origin: url.origin}),
    ...('referer' in headers && {referer: url.href}),
    // what is to be changed has to be read
    ...((single(headers, 'accept') ?? '').includes('text/html') && {'accept-encoding': 'identity'}),
  })
}

/** They speak of another origin than the client's, or would have it trust other pages. */
const notPassedOn = [
  'access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods', 'access-control-allow-origin', 'access-control-expose-headers',
  'alt-svc', 'clear-site-data', 'nel', 'report-to', 'strict-transport-security', 'www-authenticate',
]

function incoming(place: Place, ours: string, path: string, head: AnswerHead): ReturnType<NonNullable<ForwardOptions['incoming']>> {
  const {status} = head
  // its word on our credentials; the client's own were good, and a kernel that is asked for is not dead
  if (status === 401) return {status: 503, message: `${place.name} refused the token that cgpu has for it`}
  const location = single(head.headers, 'location')
  const target = location === undefined ? undefined : localTarget(place, location, path)
  if (target !== undefined && typeof target !== 'string') return target
  const headers = withHeaders(head.headers, {
    ...Object.fromEntries(notPassedOn.map((name) => [name, undefined])),
    location: target,
    'set-cookie': xsrfCookie(head.headers['set-cookie']),
  })
  // a file is passed on byte for byte, and in parts
  const changed = path.startsWith(`${place.url.pathname}files/`) ? undefined : pageToken(headers, place.token, ours)
  return changed ? {status, ...changed} : {status, headers}
}

/** A redirect stays on the server; one that leaves it (to a sign-in page, say) would take a client's token along. */
function localTarget({name, url}: Place, location: string, path: string): string | Refusal {
  const from = new URL(path, url).href
  const target = URL.canParse(location, from) ? new URL(location, from) : undefined
  if (target?.origin === url.origin && `${target.pathname}/`.startsWith(url.pathname)) return `${target.pathname}${target.search}${target.hash}`
  return {status: 502, message: `${name} sends its visitors elsewhere${target ? `, to ${target.host}` : ''}: it may want a sign-in`}
}

/** Only what Jupyter's pages read. Its sign-in is the proxy's to keep. */
function xsrfCookie(given: string | string[] | undefined): string[] | undefined {
  const kept = [given ?? []].flat().filter((one) => one.startsWith(`${xsrf}=`))
  // it is the runtime's domain that is named there, and its TLS
  return kept.length === 0 ? undefined : kept.map((one) => one.split(';').filter((part) => !/^\s*(domain=|secure\s*$)/i.test(part)).join(';'))
}

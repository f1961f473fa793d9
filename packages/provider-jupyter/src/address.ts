import {createHash} from 'node:crypto'
import {errors} from '@cgpu/core/errors'
import {isLoopback} from '@cgpu/core/loopback'
import {sanitizeLine} from '@cgpu/core/text/line'

/** A server's address, taken apart. */
export interface Address {
  /** http(s)://host[:port]/base/path/ : no token, user, query or fragment */
  url: string
  /** that was in the pasted URL */
  token?: string
  /** plain http to another machine: the token can be read on the way */
  insecure: boolean
}

/** Pages below a server's base path, as they stand in a browser's address bar. */
const pages = new Set([
  'lab', 'tree', 'notebooks', 'edit', 'view', 'files', 'doc', 'consoles', 'terminals', 'nbclassic', 'retro', 'voila', 'login', 'logout', 'api',
])

/**
 * What a person pastes: an address with a page behind it, a token in the query, or without a scheme. Without one it is
 * https, and http for this machine; plain http to another machine is used only when it was written out.
 * Throws INVALID_URL (64).
 */
export function parseAddress(given: string): Address {
  const text = given.trim()
  if (text === '') throw invalid(given, 'it is empty')
  if (text.length > 4000) throw invalid(given, 'it is too long')
  // URL would silently leave some of these out
  if (/[\p{Cc}\s\\]/u.test(text)) throw invalid(given, 'it has spaces, backslashes or control characters in it')
  const url = parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : withScheme(text), given)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw invalid(given, 'it must begin with https:// or http://')
  if (url.hostname === '') throw invalid(given, 'it names no host')
  if (url.username !== '' || url.password !== '') {
    throw invalid(given, 'a user and password in it are not supported', 'leave them out and give a token: --token-stdin')
  }
  const token = url.searchParams.get('token')
  return {
    url: `${url.origin}${basePath(url.pathname)}`,
    insecure: url.protocol === 'http:' && !isLoopback(url.hostname),
    ...(token ? {token} : {}),
  }
}

/** Readable, and the same for the same server each time. */
export function idOf(url: string): string {
  const {host, pathname} = new URL(url)
  const slug = `${host}${pathname}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '').slice(0, 40).replace(/-$/, '')
  return `${slug || 'server'}-${createHash('sha256').update(url).digest('hex').slice(0, 8)}`
}

/** `/user/me/lab/tree/a.ipynb` is served under `/user/me/`. A hub's user may be called as a page is. */
function basePath(path: string): string {
  let segments = path.split('/').filter((segment) => segment !== '')
  // the hub's own page for a user's server
  const hub = segments.findIndex((segment, at) => segment === 'hub' && segments[at + 1] === 'user')
  if (hub !== -1) segments = segments.toSpliced(hub, 1)
  const user = segments.indexOf('user')
  const from = user === -1 ? 0 : user + 2
  const page = segments.findIndex((segment, at) => at >= from && pages.has(segment))
  const base = page === -1 ? segments : segments.slice(0, page)
  return base.length === 0 ? '/' : `/${base.join('/')}/`
}

function withScheme(text: string): string {
  const host = /^(\[[^\]]*\]|[^/:?#]*)/.exec(text)?.[1] ?? ''
  return `${isLoopback(host) ? 'http' : 'https'}://${text}`
}

function parse(text: string, given: string): URL {
  try {
    return new URL(text)
  } catch {
    throw invalid(given, 'it cannot be parsed')
  }
}

/** The address is shown without its query, which may hold the token. */
function invalid(given: string, why: string, fix = 'give the address of a Jupyter server, as in https://lab.example.com/user/me/'): Error {
  const shown = sanitizeLine(given.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//…@'), 100)
  return errors.usage(`"${shown}" is not the address of a server: ${why}`, {code: 'INVALID_URL', fix})
}

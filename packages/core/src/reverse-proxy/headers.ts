/** Names in lower case; a header that came more than once is a list. Has no prototype: a header may be called anything. */
export type HeaderMap = Record<string, string | string[]>

/** They are one connection's business (RFC 9110, 7.6.1). `expect` is answered here, `host` is the upstream's own. */
const hopByHop = new Set([
  'connection', 'expect', 'host', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
])

/** A message's headers without those of its connection. `raw` is node's flat list of names and values. */
export function endToEnd(raw: readonly string[]): HeaderMap {
  const headers = headerMap()
  const named = new Set<string>()
  for (const [name, value] of pairs(raw)) {
    if (name === 'connection') for (const one of value.split(',')) named.add(one.trim().toLowerCase())
    const before = headers[name]
    headers[name] = before === undefined ? value : [...[before].flat(), value]
  }
  // a length that could be dropped by naming it here would make the body mean another thing to each side
  named.delete('content-length')
  for (const name of [...hopByHop, ...named]) delete headers[name]
  return headers
}

/** `headers` with `others` in place of those of the same names, however these are spelled; undefined takes one away. */
export function withHeaders(headers: HeaderMap, others: Record<string, string | string[] | undefined>): HeaderMap {
  const all = Object.assign(headerMap(), headers)
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) delete all[name.toLowerCase()]
    else all[name.toLowerCase()] = value
  }
  return all
}

/** The value of a header that makes sense only once. */
export function single(headers: HeaderMap, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function headerMap(): HeaderMap {
  return Object.create(null) as HeaderMap // a typed empty object
}

function* pairs(raw: readonly string[]): Generator<[string, string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']
}

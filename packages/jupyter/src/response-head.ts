/** The beginning of an HTTP/1 answer. */
export interface ResponseHead {
  status: number
  /** by lower-case names; of one that is there twice, the last */
  headers: Record<string, string>
  /** bytes, the blank line included */
  size: number
}

/** Undefined until it is whole, or where it is none. */
export function parseHead(bytes: Buffer): ResponseHead | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]
  if (status === undefined) return undefined
  const headers = Object.fromEntries(lines.map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
  }))
  return {status: Number(status), headers, size: end + 4}
}

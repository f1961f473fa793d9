import {Transform} from 'node:stream'
import {createBrotliDecompress, createGunzip, createInflate} from 'node:zlib'
import {type HeaderMap, single, withHeaders} from '../reverse-proxy/headers.ts'

/** a shorter one may be a word of the page */
const surelyToken = 16
/** where pages of Jupyter have their server's token */
const places = ['"token": "', '"token":"', 'data-jupyter-api-token="', '?token=', '&token=', '&amp;token=']

/**
 * Jupyter's pages hold their server's token, for what they ask of it. This puts the proxy's in its place: what a page asks
 * goes through the proxy, and the server's token stays on this side. Undefined where there is nothing to change.
 */
export function pageToken(headers: HeaderMap, theirs: string | undefined, ours: string): {headers: HeaderMap; through: Transform[]} | undefined {
  if (theirs === undefined || theirs === '' || !/^text\/html\b/i.test(single(headers, 'content-type') ?? '')) return undefined
  const unpack = unpacker(single(headers, 'content-encoding'))
  if (unpack === undefined) return undefined
  // its length is another one now, and its parts are at other places
  const changed = withHeaders(headers, {'content-length': undefined, 'content-encoding': undefined, etag: undefined, 'accept-ranges': undefined, 'content-range': undefined})
  return {headers: changed, through: [...unpack, replacing(pairs(theirs, ours))]}
}

function unpacker(encoding = 'identity'): Transform[] | undefined {
  switch (encoding.trim().toLowerCase()) {
    case 'identity': return []
    case 'gzip': case 'x-gzip': return [createGunzip()]
    case 'br': return [createBrotliDecompress()]
    case 'deflate': return [createInflate()]
    default: return undefined
  }
}

function pairs(theirs: string, ours: string): [string, string][] {
  const html = theirs.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const spelled = new Set([theirs, encodeURIComponent(theirs), JSON.stringify(theirs).slice(1, -1), html, html.replaceAll('"', '&#34;').replaceAll("'", '&#39;')])
  const around = theirs.length >= surelyToken ? [''] : places
  return [...spelled].flatMap((one) => around.map((place): [string, string] => [`${place}${one}`, `${place}${ours}`]))
}

/** Bytes are read as latin1, which keeps all others as they are. */
function replacing(list: [string, string][]): Transform {
  const longest = Math.max(...list.map(([one]) => one.length))
  let held = ''
  return new Transform({
    transform(chunk: Buffer, _, done) {
      held += chunk.toString('latin1')
      for (const [one, other] of list) held = held.replaceAll(one, () => other)
      // the beginning of one may be at the end
      const ready = Math.max(0, held.length - longest + 1)
      const out = Buffer.from(held.slice(0, ready), 'latin1')
      held = held.slice(ready)
      done(null, out)
    },
    flush(done) {
      done(null, Buffer.from(held, 'latin1'))
    },
  })
}

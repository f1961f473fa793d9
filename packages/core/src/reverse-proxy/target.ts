/**
 * The path and query that a client asks for, beginning with one slash; undefined for what could mean another place than it
 * seems to: an absolute address, a segment that climbs (`..`, also written `%2e`), a backslash, a control character.
 */
export function requestTarget(given: string | undefined): {path: string; query: URLSearchParams} | undefined {
  if (given === undefined || !given.startsWith('/')) return undefined
  const at = given.indexOf('?')
  const [path, query] = at < 0 ? [given, ''] : [given.slice(0, at), given.slice(at + 1)]
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\\#\u0000-\u0020\u007f]|%0[0ad]|%5c/i.test(path)) return undefined
  if (path.split('/').some((segment) => /^\.{1,2}$/.test(segment.replace(/%2e/gi, '.')))) return undefined
  return {path: path.replace(/^\/+/, '/'), query: new URLSearchParams(query)}
}

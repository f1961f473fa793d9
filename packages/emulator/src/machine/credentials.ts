import type {IncomingHttpHeaders, IncomingMessage} from 'node:http'

const tokenParams = ['colab-runtime-proxy-token', 'token']

/** The proxy tokens that a request may mean, as protocol note 4.1 has it: a header of its own, the query, a bearer token. */
export function tokensOf(request: IncomingMessage): string[] {
  const header = request.headers['x-colab-runtime-proxy-token']
  const params = queryOf(request)
  return [
    ...(typeof header === 'string' ? [header] : []),
    ...tokenParams.flatMap((name) => params.getAll(name)),
    ...bearer(request),
  ]
}

/** What of a request the machine sees. `secret` tells what is meant for the proxy alone. */
export function passedOn(request: IncomingMessage, secret: (token: string) => boolean): {path: string; headers: IncomingHttpHeaders} {
  const {'x-colab-runtime-proxy-token': _token, authorization, origin: _origin, referer: _referer, ...headers} = request.headers
  if (authorization !== undefined && !bearer(request).some(secret)) headers.authorization = authorization
  const params = queryOf(request)
  for (const name of tokenParams) if (params.getAll(name).some(secret)) params.delete(name)
  params.delete('authuser')
  const query = params.toString()
  return {path: tidyPath((request.url ?? '/').split('?', 1)[0] ?? '/') + (query === '' ? '' : `?${query}`), headers}
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? ''
  const cut = url.indexOf('?')
  return new URLSearchParams(cut === -1 ? '' : url.slice(cut + 1))
}

function bearer(request: IncomingMessage): string[] {
  const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return token === undefined ? [] : [token]
}

/** `//api/contents/%2Fcontent%2Fa%20b.txt`, as VS Code's extension writes it, is `/api/contents/content/a%20b.txt`. */
function tidyPath(path: string): string {
  const tidy = path.replace(/^\/{2,}/, '/')
  return tidy.startsWith('/api/contents/') ? tidy.replace(/%2f/gi, '/').replace(/\/{2,}/g, '/') : tidy
}

/** Whether a page of another origin sent this. Programs send no Origin, or the runtime's own. */
export function foreign(request: IncomingMessage, own: string): boolean {
  const host = request.headers.host
  const mine = [own, ...(host === undefined ? [] : [`http://${host}`, `https://${host}`])]
  const {origin, referer} = request.headers
  if (origin !== undefined && !mine.includes(origin)) return true
  return referer !== undefined && !mine.some((one) => referer === one || referer.startsWith(`${one}/`))
}

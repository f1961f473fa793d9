import type {IncomingMessage} from 'node:http'

const bodyLimit = 64 * 1024

/** All headers as they were sent. */
export function headersOf(request: IncomingMessage): Record<string, string> {
  const found: Record<string, string> = {}
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = (request.rawHeaders[i] ?? '').toLowerCase()
    const value = request.rawHeaders[i + 1] ?? ''
    found[name] = found[name] === undefined ? value : `${found[name]}, ${value}`
  }
  return found
}

/** Copies the body as it arrives, without taking it from the handler; `done` gets the first 64 KiB. */
export function watchBody(request: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  const push = request.push.bind(request)
  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null) {
      if (size > 0) done(Buffer.concat(chunks).subarray(0, bodyLimit).toString('utf8'))
    } else if (Buffer.isBuffer(chunk) && size < bodyLimit) {
      chunks.push(chunk)
      size += chunk.length
    }
    return push(chunk, encoding)
  }
}

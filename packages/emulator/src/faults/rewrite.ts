import type {OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse} from 'node:http'

const xssi = ")]}'\n"

type Write = (chunk: Buffer, done?: () => void) => boolean

/** Lets so many bytes of the body through, then resets the connection. A shorter body ends as ever. */
export function cutBody(response: ServerResponse, limit: number): void {
  const write: Write = response.write.bind(response)
  const end = response.end.bind(response)
  let left = limit
  const pass = (chunk: unknown, encoding: unknown, done: (() => void) | undefined): boolean => {
    const bytes = asBuffer(chunk, encoding)
    if (bytes.length < left) {
      left -= bytes.length
      return write(bytes, done)
    }
    const reset = (): void => void response.socket?.resetAndDestroy()
    if (left === 0) {
      response.flushHeaders()
      process.nextTick(reset)
    } else write(bytes.subarray(0, left), reset)
    left = 0
    return true
  }
  response.write = ((chunk: unknown, ...rest: unknown[]) => pass(chunk, rest[0], lastFunction(rest))) as typeof response.write
  response.end = ((...args: unknown[]) => {
    const bytes = asBuffer(args[0], args[1])
    if (bytes.length < left) return end(bytes, lastFunction(args))
    // as it would have been announced had all of it left
    if (!response.headersSent && !response.hasHeader('content-length')) response.setHeader('content-length', bytes.length)
    pass(bytes, undefined, undefined)
    return response
  }) as typeof response.end
}

/** Lets the handler answer as ever, and sends what `change` makes of the body. */
export function rewriteBody(response: ServerResponse, change: (body: string) => string): void {
  const chunks: Buffer[] = []
  const end = response.end.bind(response)
  const writeHead = response.writeHead.bind(response)
  // the head waits, as the length changes
  response.writeHead = (status: number, ...rest: unknown[]) => {
    response.statusCode = status
    const headers = rest.find((one) => typeof one === 'object' && one !== null) as OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined // as in Node's signature
    if (headers !== undefined && !Array.isArray(headers)) for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
    return response
  }
  response.flushHeaders = () => {}
  response.write = ((chunk: unknown, ...rest: unknown[]) => {
    chunks.push(asBuffer(chunk, rest[0]))
    const done = lastFunction(rest)
    if (done) process.nextTick(done)
    return true
  }) as typeof response.write
  response.end = ((...args: unknown[]) => {
    chunks.push(asBuffer(args[0], args[1]))
    const body = Buffer.from(change(Buffer.concat(chunks).toString('utf8')))
    for (const name of ['content-length', 'transfer-encoding', 'content-encoding', 'etag']) response.removeHeader(name)
    response.setHeader('content-length', body.length)
    writeHead(response.statusCode)
    return end(body, lastFunction(args))
  }) as typeof response.end
}

function asBuffer(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8') // the handler's own word
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0)
}

/** The callback that a stream's method was given. */
function lastFunction(args: unknown[]): (() => void) | undefined {
  return args.find((one) => typeof one === 'function') as (() => void) | undefined // Node's streams take no other
}

/** Without its second half, behind what the XSSI prefix protects. */
export function halved(body: string): string {
  const {prefix, rest} = split(body)
  return prefix + (rest === '' ? '{' : rest.slice(0, Math.max(1, Math.floor(rest.length / 2))))
}

/** The same members with values of other types. What is no JSON stays. */
export function mistyped(body: string): string {
  const {prefix, rest} = split(body)
  try {
    return prefix + JSON.stringify(otherType(JSON.parse(rest), 0))
  } catch {
    return body
  }
}

function split(body: string): {prefix: string; rest: string} {
  return body.startsWith(xssi) ? {prefix: xssi, rest: body.slice(xssi.length)} : {prefix: '', rest: body}
}

function otherType(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return 42
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (value === null) return []
  if (Array.isArray(value)) return depth === 0 ? value.map((one) => otherType(one, depth + 1)) : {}
  return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, otherType(one, depth + 1)]))
}

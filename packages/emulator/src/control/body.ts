import type {Context} from 'hono'

export class BodyTooLarge extends Error {}

/** The body as text. Throws BodyTooLarge before more than `max` bytes are in memory. */
export async function limitedText(context: Context, max: number): Promise<string> {
  if (Number(context.req.header('content-length') ?? 0) > max) throw new BodyTooLarge('the body is too large')
  const {body} = context.req.raw
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > max) throw new BodyTooLarge('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The fields of a form that a browser or a program posted. */
export async function formOf(context: Context): Promise<URLSearchParams> {
  return new URLSearchParams(await limitedText(context, 1 << 16))
}

import {z} from 'zod'

const texts = z.record(z.string(), z.string())

const exchangeSchema = z.object({
  request: z.object({
    method: z.string(),
    path: z.string(),
    /** sorted; values that every client makes up anew are `*` */
    query: z.array(z.tuple([z.string(), z.string()])),
    /** those that a replay compares */
    headers: texts,
    body: z.string().optional(),
  }),
  response: z.object({
    status: z.int().min(100).max(599),
    headers: texts,
    body: z.string(),
    /** base64 where the body is no UTF-8 */
    encoding: z.enum(['utf8', 'base64']),
  }),
})
export type Exchange = z.infer<typeof exchangeSchema>

/** A recording: what Google's hosts were asked and what they answered, without secrets, in order. */
export const recordingSchema = z.object({version: z.literal(1), upstream: z.string(), recordedAt: z.string(), exchanges: z.array(exchangeSchema)})
export type Recording = z.infer<typeof recordingSchema>

/** Members of a query that differ from run to run and mean nothing. */
const madeUp = new Set(['nbh', 'requestId', 'state', 'nonce', 'code_challenge', 'code_verifier', 'login_hint', 'redirect_uri'])

/** A query as it is compared. */
export function comparable(query: URLSearchParams): [string, string][] {
  return [...query].map(([name, value]): [string, string] => [name, madeUp.has(name) ? '*' : value]).sort((a, b) => (a.join('=') < b.join('=') ? -1 : 1))
}

/** The headers of a request that link it to an answer before. */
export const linking = ['x-goog-colab-token'] as const

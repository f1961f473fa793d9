import {z} from 'zod'
import {durationSchema} from '../scenario/values.ts'

/** Which calls a fault is for; what is absent matches all. */
export const faultMatchSchema = z.strictObject({
  /** `control`, `runtime:*`, `port:*`, or one of them in full */
  site: z.string().optional(),
  method: z.string().transform((text) => text.toUpperCase()).optional(),
  /** of the path without query; `*` is anything within a segment, `**` anything */
  path: z.string().optional(),
  pathRegex: z.string().refine((text) => canCompile(text), {error: 'must be a regular expression'}).optional(),
  /** members of the query that must be there with these values */
  query: z.record(z.string(), z.string()).optional(),
  /** lets so many matching calls pass first */
  skip: z.int().min(0).default(0),
  /** strikes so many times, then never again */
  count: z.int().min(1).optional(),
  /** of striking, each time, by the seed's dice */
  probability: z.number().min(0).max(1).default(1),
})

const answers = ['status', 'html', 'redirect', 'malformed', 'wrongTypes', 'giant', 'drop', 'freeze'] as const

/** What happens to such a call. `latency`, `cutAfter` and `dripBytesPerSecond` go with any answer, also with the real one. */
export const faultActionSchema = z.strictObject({
  /** real time before anything else */
  latency: durationSchema.optional(),
  /** answers with this status instead of the real answer */
  status: z.int().min(200).max(599).optional(),
  /** with `status`: seconds, or an HTTP date */
  retryAfter: z.union([z.number(), z.string()]).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** with `status`: text as it is, anything else as JSON */
  body: z.json().optional(),
  /** a page for people, as a captive portal sends it; true: a plain one. `status` may say other than 200 */
  html: z.union([z.literal(true), z.string()]).optional(),
  /** to this URL; `status` may say other than 302 */
  redirect: z.string().optional(),
  /** the real answer, of which the second half is missing while its length fits */
  malformed: z.literal(true).optional(),
  /** the real JSON answer, with numbers for texts, texts for numbers, and objects for lists */
  wrongTypes: z.literal(true).optional(),
  /** JSON of so many bytes */
  giant: z.int().min(1).max(4 * 2 ** 30).optional(),
  /** resets the connection: before the emulator did anything, or after it did everything and before a byte of the answer left */
  drop: z.enum(['before', 'after']).optional(),
  /** never answers and never hangs up */
  freeze: z.literal(true).optional(),
  /** bytes of the answer's body that arrive; then the connection is reset */
  cutAfter: z.int().min(0).optional(),
  dripBytesPerSecond: z.number().min(1).optional(),
}).superRefine((action, context) => {
  const named = answers.filter((key) => action[key] !== undefined)
  const kinds = named.filter((key) => key !== 'status' || !(action.html !== undefined || action.redirect !== undefined))
  if (Object.keys(action).length === 0) context.addIssue({code: 'custom', message: 'must say what happens, such as status: 503'})
  if (kinds.length > 1) context.addIssue({code: 'custom', message: `${kinds.join(' and ')} exclude each other`})
  for (const key of ['retryAfter', 'body'] as const) {
    if (action[key] !== undefined && action.status === undefined) context.addIssue({code: 'custom', path: [key], message: 'needs a status'})
  }
})

export const faultRuleSchema = z.strictObject({
  /** to remove it by; else one is given */
  id: z.string().regex(/^[\w.-]{1,64}$/, {error: 'must be of letters, digits, dots, dashes'}).optional(),
  match: faultMatchSchema.prefault({}),
  do: faultActionSchema,
})

/** A rule as people write it. */
export type FaultRuleInput = z.input<typeof faultRuleSchema>
export type FaultRule = z.output<typeof faultRuleSchema>
export type FaultAction = z.output<typeof faultActionSchema>
export type FaultMatch = z.output<typeof faultMatchSchema>

function canCompile(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}

import {z} from 'zod'

const units: Record<string, number> = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000}

/** `250ms`, `90s`, `61m`, `2h`, `1d`, `1h30m`, or a number of milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let sum = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) sum += Number(amount) * (units[unit] ?? 0)
  return sum
}

const durationError = 'must be a duration such as 90s, 61m or 2h'

/** A duration as people write it; milliseconds once parsed. */
export const durationSchema = z.union([z.number(), z.string()], {error: durationError}).transform((value, context) => {
  const ms = typeof value === 'number' ? value : parseDuration(value.trim())
  if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return ms
  context.addIssue({code: 'custom', message: durationError})
  return z.NEVER
})

/** What zod found, as `path: sentence` lines; `$` is the whole. */
export function issueLines(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys : []
    const at = (more: PropertyKey[] = []): string => [...issue.path, ...more].map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('').replace(/^\./, '') || '$'
    return unknown.length > 0 ? unknown.map((key) => `${at([key])}: there is no such setting`) : [`${at()}: ${sentence(issue.message)}`]
  })
}

const sentence = (text: string): string => text.replace(/^Invalid input: /, '').replace(/^([A-Z])(?=[a-z])/, (letter) => letter.toLowerCase())

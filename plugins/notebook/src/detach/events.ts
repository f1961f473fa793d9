import {z} from 'zod'
import type {CellResult} from '../run/run-notebook.ts'

/** What the driver tells, a line each, on the job's stdout. */
const count = z.int().nonnegative()
const place = {index: count, position: count, total: count}
const told = z.object({code: z.string(), message: z.string(), fix: z.string()})
const failure = z.object({name: z.string(), message: z.string(), traceback: z.array(z.string())})

const result = z.object({
  index: count, id: z.string(), status: z.enum(['ok', 'error', 'interrupted', 'lost']), executionCount: count.nullable(), durationSeconds: z.number(), error: failure.optional(),
}).transform(({error, ...rest}): CellResult => (error ? {...rest, error} : rest))

const schema = z.discriminatedUnion('type', [
  z.object({type: z.literal('started'), kernel: z.string(), total: count, limits: z.object({cellTimeout: z.string().optional(), timeout: z.string().optional()})}),
  z.object({type: z.literal('begin'), ...place}),
  z.object({type: z.literal('message'), index: count, kind: z.enum(['stream', 'display_data', 'execute_result', 'update_display_data']), content: z.record(z.string(), z.unknown())}),
  z.object({type: z.literal('end'), ...place, result}),
  z.object({
    type: z.literal('finished'), status: z.enum(['ok', 'exited', 'error', 'interrupted', 'lost']), exitStatus: z.int().min(0).max(255), durationSeconds: z.number(),
    failed: count.optional(), stopped: z.enum(['cell-timeout', 'timeout', 'interrupt']).optional(), error: told.optional(),
  }),
  /** nothing ran */
  z.object({type: z.literal('failed'), exitStatus: z.int().min(1).max(255), durationSeconds: z.number(), error: told}),
])

export type DriverEvent = z.infer<typeof schema>

/** An event, and the how manieth it is. */
export interface NumberedEvent {
  event: DriverEvent
  seq: number
}

/** Puts the pieces of the job's stdout together to events. What is none, and types of another version, are passed over. */
export class DriverEvents {
  #begun: string[] = []

  take(piece: string): NumberedEvent[] {
    const events: NumberedEvent[] = []
    const [first = '', ...rest] = piece.split('\n')
    this.#begun.push(first)
    for (const next of rest) {
      const event = eventOf(this.#begun.join(''))
      this.#begun = [next]
      if (event) events.push(event)
    }
    return events
  }
}

function eventOf(line: string): NumberedEvent | undefined {
  try {
    const event = schema.safeParse(JSON.parse(line)).data
    return event && {event, seq: lastSeqIn(line)}
  } catch {
    return undefined
  }
}

/** The number of the last event in these lines, of which the last may be cut off; 0: there is none. */
export function lastSeqIn(lines: string): number {
  return Number([...lines.matchAll(/^\{"seq":(\d+),/gm)].at(-1)?.[1] ?? 0)
}

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

/** Puts the pieces of the job's stdout together to events. What is none, and types of another version, are passed over. */
export class DriverEvents {
  #begun: string[] = []
  #bytes = 0

  take(piece: string): DriverEvent[] {
    return this.placed(piece).map(({event}) => event)
  }

  /** The same with how many bytes the driver had told when it had told the event. */
  placed(piece: string): {event: DriverEvent; bytes: number}[] {
    const events: {event: DriverEvent; bytes: number}[] = []
    const [first = '', ...rest] = piece.split('\n')
    this.#begun.push(first)
    for (const next of rest) {
      const line = this.#begun.join('')
      this.#bytes += Buffer.byteLength(line) + 1
      const event = eventOf(line)
      this.#begun = [next]
      if (event) events.push({event, bytes: this.#bytes})
    }
    return events
  }
}

function eventOf(line: string): DriverEvent | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

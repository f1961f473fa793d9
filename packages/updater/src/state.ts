import {JsonFile} from '@cgpu/core/state/json-file'
import {z} from 'zod'
import {channels} from './documents.ts'

const schema = z.object({
  /** a number of its own, by which a rollout reaches this installation sooner or later; it is sent to nobody */
  installation: z.string().default(() => crypto.randomUUID()),
  /** the one that `cgpu update` takes from; without it, that of the version */
  channel: z.enum(channels).optional(),
  /** the highest sequence that was seen, by document */
  seen: z.record(z.string(), z.int()).default({}),
  /** the sequence of the channel's document that the last update was taken from, by channel */
  taken: z.record(z.string(), z.int()).default({}),
  /** ids in the order in which they were used */
  history: z.array(z.string()).default([]),
  /** the id that was gone back from: it does not come by itself again */
  skipped: z.string().optional(),
  /** a version was chosen by hand: none comes by itself */
  held: z.boolean().default(false),
  /** ids that were installed by hand: they are not tidied away */
  kept: z.array(z.string()).default([]),
  /** the last update by itself */
  auto: z.object({at: z.string(), outcome: z.string()}).optional(),
})
export type UpdateState = z.infer<typeof schema>

/** state.json of an installation. */
export function stateFile(path: string): JsonFile<UpdateState> {
  return new JsonFile<UpdateState>({path, version: 1, parse: value => schema.parse(value), initial: () => schema.parse({})})
}

import {z} from 'zod'
import {callMatcher} from '../faults/matcher.ts'
import {faultMatchSchema, faultRuleSchema} from '../faults/rule.ts'
import {accountConfig, accountPatch, assignOutcome, worldConfig} from '../world/config.ts'
import {durationSchema} from './values.ts'

export const expiryKinds = ['tokens', 'standing-tokens', 'proxy-tokens'] as const

/** What can be made to happen: by a timeline, or by the admin API. Exactly one of them. */
export const eventShape = {
  /** takes this machine away; `*`: all machines */
  reclaim: z.string().optional(),
  /** tokens stop being good */
  expire: z.enum(expiryKinds).optional(),
  /** all that this account allowed is taken back: refreshing gives `invalid_grant` */
  revoke: z.email().optional(),
  /** the clock jumps ahead */
  advance: durationSchema.optional(),
  /** the sites that match (`runtime:*`, `control`, `*`) go silent, without hanging up */
  freeze: z.string().optional(),
  thaw: z.literal(true).optional(),
  /** connections of the sites that match are reset */
  disconnect: z.string().optional(),
  fault: faultRuleSchema.optional(),
  /** ends the fault of this id; `*`: all faults */
  clearFault: z.string().optional(),
  account: accountPatch.extend({email: z.email()}).optional(),
  /** how coming assigns go */
  assign: z.array(assignOutcome).optional(),
}
const eventNames = Object.keys(eventShape)

type EventInput = z.infer<z.ZodObject<typeof eventShape>>
const oneEvent = (event: object, context: z.RefinementCtx): void => {
  const named = eventNames.filter((name) => (event as Record<string, unknown>)[name] !== undefined) // any of the shape's names
  if (named.length !== 1) context.addIssue({code: 'custom', message: named.length === 0 ? `must say what happens: ${eventNames.join(', ')}` : `${named.join(' and ')} exclude each other`})
}

export const eventSchema = z.strictObject(eventShape).superRefine(oneEvent)
export type ScenarioEvent = EventInput

const {skip: _skip, count: _count, probability: _probability, ...patternShape} = faultMatchSchema.shape

const stepSchema = z.strictObject({
  ...eventShape,
  /** of the emulator's clock, from when the scenario was loaded */
  at: durationSchema.optional(),
  /** once so many of the calls that match were answered */
  after: z.strictObject({...patternShape, calls: z.int().min(1)}).optional(),
}).superRefine((step, context) => {
  if ((step.at === undefined) === (step.after === undefined)) context.addIssue({code: 'custom', message: 'needs one of at and after'})
  oneEvent(step, context)
})
export type TimelineStep = z.output<typeof stepSchema>

/** A scenario file. Everything may be left out. */
export const scenarioSchema = z.strictObject({
  /** what it is for, in a line */
  about: z.string().optional(),
  /** the same seed gives the same names, tokens and chances */
  seed: z.union([z.string(), z.int()]).optional(),
  accounts: z.array(accountConfig).min(1).refine((all) => new Set(all.map((one) => one.email)).size === all.length, 'two accounts have the same email').optional(),
  /** other settings of the world */
  world: z.strictObject(worldConfig.shape).omit({accounts: true}).partial().prefault({}),
  machines: z.strictObject({
    /** false: `/colab/ssh` answers 404 */
    ssh: z.boolean().default(true),
    /** open sockets of a machine are closed when their token is no longer good */
    closeExpiredSockets: z.boolean().default(false),
  }).prefault({}),
  faults: z.array(faultRuleSchema).default([]),
  /** how the first assigns go, one each */
  assign: z.array(assignOutcome).default([]),
  timeline: z.array(stepSchema).default([]),
})

/** A scenario as people write it. */
export type ScenarioInput = z.input<typeof scenarioSchema>
export type Scenario = z.output<typeof scenarioSchema>

export const matcherOf = ({calls: _calls, ...pattern}: NonNullable<TimelineStep['after']>): ReturnType<typeof callMatcher> => callMatcher(pattern)

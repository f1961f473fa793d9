import {z} from 'zod'
import {accountPatch} from '../world/config.ts'
import {durationSchema} from '../scenario/values.ts'

/** Bodies and queries of the admin API. */
export const advanceBody = z.strictObject({by: durationSchema})
/** One of them: a scenario that comes with the emulator, or a whole one, named for what is shown. */
export const scenarioBody = z.union([
  z.strictObject({name: z.string(), scenario: z.unknown()}),
  z.strictObject({name: z.string()}),
])
export const accountBody = accountPatch
export const tokenBody = z.strictObject({email: z.email().optional()})

const count = z.coerce.number().int().min(0)
export const logQuery = z.strictObject({
  since: count.optional(), site: z.string().optional(), path: z.string().optional(), method: z.string().optional(), status: count.optional(), limit: count.optional(),
})

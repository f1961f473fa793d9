import {covers, scopes} from '@cgpu/core/google/scopes'
import type {MiddlewareHandler} from 'hono'
import type {World} from '../world/world.ts'
import {type ControlEnv, refuse} from './error.ts'

const readonly = `${scopes.colab}.readonly`

export interface BearerRules {
  /** the session host does not know an identity without an address: 401 (protocol notes, 2.1) */
  email?: boolean
  /** reading is allowed with `colaboratory.readonly` */
  readonly?: boolean
}

/** Lets in who presents a live token with Colab's scope; sets `caller` and `account`. */
export function bearer(world: World, rules: BearerRules = {}): MiddlewareHandler<ControlEnv> {
  return async (context, next) => {
    const caller = world.caller(context.req.header('authorization'))
    const account = caller === null ? undefined : world.account(caller.email)
    if (caller === null || account === undefined) throw refuse.token()
    const allowed = covers(caller.scopes, scopes.colab) || (rules.readonly === true && context.req.method === 'GET' && caller.scopes.includes(readonly))
    if (!allowed) throw refuse.scope()
    if (rules.email === true && !covers(caller.scopes, scopes.email)) throw refuse.token()
    context.set('caller', caller)
    context.set('account', account)
    await next()
  }
}

import type {ProviderFactory} from '@cgpu/core/provider'
import type {SchemeHandler} from '@cgpu/core/fetch/plan'
import type {CgpuEvent, CgpuHook} from './hook-types.ts'

/** The default export of a hook's file, typed: `export default defineHook('execution:after', async ({outcome}) => …)`. */
export function defineHook<E extends CgpuEvent>(_event: E, hook: CgpuHook<E>): CgpuHook<E> {
  return hook
}

/** The default export of the file of `provider:register`: `export default defineProvider('mine', (context) => new MyProvider(context))`. */
export function defineProvider(id: string, factory: ProviderFactory): CgpuHook<'provider:register'> {
  return async () => ({id, factory})
}

/** The same for `scheme:register`: how `cgpu cp SCHEME://… NAME:PATH` fetches. */
export function defineScheme(scheme: string, resolve: SchemeHandler): CgpuHook<'scheme:register'> {
  return async () => ({scheme, resolve})
}

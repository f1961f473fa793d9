import {type HookHost, notebookHooks} from '@cgpu/plugin-sdk'
import type {AboutNotebook, AskedPlugins} from './asked.ts'

/** Whom to ask and tell of a run; undefined: nobody listens, and nothing more is loaded. */
export async function askedPlugins(host: HookHost, about: AboutNotebook): Promise<AskedPlugins | undefined> {
  const hooks = await notebookHooks(host)
  if (Object.keys(hooks).length === 0) return undefined
  const {AskedPlugins: Asked} = await import('./asked.ts')
  return new Asked(host, hooks, about)
}

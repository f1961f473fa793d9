import {type HookHost, notebookHooks, type NotebookRequest} from '@cgpu/plugin-sdk'
import type {AskedPlugins} from './asked.ts'

/** Whom to ask and tell of a run; undefined: nobody listens, and nothing more is loaded. */
export async function askedPlugins(host: HookHost, about: Pick<NotebookRequest, 'notebook' | 'output'>): Promise<AskedPlugins | undefined> {
  const hooks = await notebookHooks(host)
  if (Object.keys(hooks).length === 0) return undefined
  const {AskedPlugins: Asked} = await import('./asked.ts')
  return new Asked(host, hooks, about)
}

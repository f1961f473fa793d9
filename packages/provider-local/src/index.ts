import type {ProgressEvent, ProviderFactory} from '@cgpu/core/provider'
import {LocalProvider} from './provider.ts'
import type {FindContext, FoundPython} from './python/find.ts'

export type {FindContext, FoundPython} from './python/find.ts'

/** Runtimes on this machine: a Jupyter Server started by cgpu, the embedded default. */
export const createProvider: ProviderFactory = (context) => new LocalProvider(context)

/**
 * The Python that a new runtime would run in, looked for only: undefined when cgpu would make an environment of its own.
 * Throws as `create` does (PYTHON_NOT_FOUND, PYTHON_TOO_OLD, PYTHON_WITHOUT_JUPYTER).
 */
export async function findPython(context: FindContext, options: {signal?: AbortSignal} = {}): Promise<FoundPython | undefined> {
  const search = await import('./python/find.ts')
  return search.findPython(context, {...options, make: false})
}

/** As findPython, but where no Python has Jupyter, cgpu's own environment is made (which takes a while, once). */
export async function ensurePython(context: FindContext, options: {signal?: AbortSignal; onProgress?: (event: ProgressEvent) => void} = {}): Promise<FoundPython> {
  const search = await import('./python/find.ts')
  return search.findPython(context, options)
}

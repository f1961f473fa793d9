import {rmSync} from 'node:fs'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Gives `use` a signal that is aborted where the process is to end by one of the system's; then the folder is removed, and the process
 * ends as it would have.
 */
export async function untilSignal<T>(folder: string, use: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  const end = (signal: NodeJS.Signals): void => {
    off()
    ending.abort()
    try {
      rmSync(folder, {recursive: true, force: true, maxRetries: 3})
    } catch {
      // somebody still writes there: the next stage removes it
    }
    // whoever else listens decides about the end
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  const off = (): void => {
    for (const signal of signals) process.off(signal, end)
  }
  for (const signal of signals) process.on(signal, end)
  try {
    return await use(ending.signal)
  } finally {
    off()
  }
}

import {cgpu, CgpuError, type HookHost} from '@cgpu/plugin-sdk'
import {stateOf} from '../run/alone.ts'
import {KeptKernels} from './kept-kernels.ts'
import {nextSave, textHash} from './watch.ts'

export interface WatchOptions<R> {
  output: string
  dataDir: string
  /** leave the kernel running at the end, too */
  keep: boolean
  /** `first`: nothing ran before */
  run: (first: boolean) => Promise<R>
  notice: (message: string) => void
  warn: HookHost['warn']
  /** a run failed, and the next change is waited for */
  tell: (error: CgpuError) => void
}

/** How a notebook may end that is to be watched further. */
const ofTheCode = new Set(['CODE_FAILED', 'CELL_TIMEOUT', 'NOTEBOOK_TIMEOUT', 'KERNEL_DIED'])

/** Runs the notebook whenever its file is saved, until a signal comes; one that comes while a cell runs interrupts it (INTERRUPTED). Gives the last result; undefined: none succeeded. */
export async function watchNotebook<R>(path: string, {output, dataDir, keep, run, notice, warn, tell}: WatchOptions<R>): Promise<R | undefined> {
  const kept = new KeptKernels(`${await stateOf(output, dataDir)}.kernels.json`)
  const before = await kept.list()
  const ending = new AbortController()
  const end = (): void => ending.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, end)
  let result: R | undefined
  try {
    for (let first = true; ; first = false) {
      const seen = await textHash(path)
      try {
        result = await run(first)
      } catch (error) {
        if (!(error instanceof CgpuError) || ending.signal.aborted || (first && !ofTheCode.has(error.code))) throw error
        tell(error)
      }
      if (!ending.signal.aborted) notice('waiting for the notebook to be saved; Ctrl-C ends this')
      if ((await nextSave(path, seen, ending.signal)) === undefined) return result
    }
  } finally {
    for (const name of signals) process.off(name, end)
    const fresh = (await kept.list()).filter(({kernel}) => !before.some((one) => one.kernel === kernel))
    if (!keep) for (const {kernel, runtimeName} of fresh) {
      try {
        await cgpu.call(['kernel', 'shutdown', kernel, '--runtime', runtimeName, '--yes'])
        await kept.drop(kernel)
      } catch (error) {
        warn(`the kernel ${kernel} on ${runtimeName} could not be ended: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
}

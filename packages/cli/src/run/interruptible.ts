import {CgpuError, ExitCode} from '@cgpu/core/errors'

export interface Interruption {
  /** what the first Ctrl-C does; absent: it leaves */
  first?: () => Promise<void>
  /** what is said when it is left; asked then, as it depends on how far the work is */
  leave: (signal: string) => string
}

/** Runs to the end, or until the second Ctrl-C, a SIGTERM, a SIGHUP or a closed stdout, which leave the work as it is. */
export async function interruptible<R>(work: Promise<R>, {first, leave, notice}: Interruption & {notice: (message: string) => void}): Promise<R> {
  let asked = false
  return new Promise<R>((resolve, reject) => {
    const left = (exit: number, signal: string): void =>
      reject(new CgpuError(`left; ${leave(signal)}`, {code: 'INTERRUPTED', category: 'runtime', exit, details: {signal}}))
    const onInt = (): void => {
      if (asked || !first) return left(ExitCode.interrupted, 'SIGINT')
      asked = true
      notice('interrupting; Ctrl-C again leaves')
      first().catch(() => undefined)
    }
    const onTerm = (): void => left(143, 'SIGTERM')
    const onHup = (): void => left(129, 'SIGHUP')
    const onPipe = (): void => left(141, 'SIGPIPE')
    const off = (): void => {
      process.off('SIGINT', onInt).off('SIGTERM', onTerm).off('SIGHUP', onHup)
      process.off('cgpu:stdout-closed', onPipe) // bin/run.js emits it; node's types know only its own events
    }
    process.on('SIGINT', onInt).on('SIGTERM', onTerm).on('SIGHUP', onHup)
    process.on('cgpu:stdout-closed' as 'exit', onPipe)
    work.then(resolve, reject).finally(off)
  })
}

import type {KernelConnection} from '@cgpu/jupyter'
import {hasCode} from './follow-log.ts'

/** The server may answer again before the link is back, or while it never went. */
const againMs = 1_000

export interface Interruptible {
  interrupt: () => Promise<void>
  /** absent: nobody tells when the network is back */
  onLink?: KernelConnection['onLink']
}

/** Interrupts what runs in a kernel; while the network is down, tries until it is back or the work is not `wanted` any more. */
export async function interruptWhenLinked(connection: Interruptible, wanted: () => boolean): Promise<void> {
  while (wanted()) {
    try {
      return await connection.interrupt()
    } catch (error) {
      if (!hasCode(error, 'NETWORK')) throw error
    }
    await changeOf(connection)
  }
}

function changeOf(connection: Interruptible): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stop?.()
      clearTimeout(timer)
      resolve()
    }
    const stop = connection.onLink?.(go)
    const timer = setTimeout(go, againMs)
  })
}

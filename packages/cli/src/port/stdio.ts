import type {AgentClient} from '@cgpu/core/agent/client'
import type {Refused} from '@cgpu/core/ports/connection'
import {type Target, Tunnel} from '@cgpu/core/ports/tunnel'

export interface Moved {
  bytesSent: number
  bytesReceived: number
  /** why it was broken off, if it was */
  failure?: Refused | undefined
}

/** Joins stdin and stdout to a port until both sides have ended, or the signal says that nobody wants it any more. */
export async function joinStdio(agent: () => Promise<AgentClient>, target: Target, signal: AbortSignal, gone: Promise<never>): Promise<Moved> {
  const tunnel = new Tunnel({agent})
  const moved: Moved = {bytesSent: 0, bytesReceived: 0}
  const over = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), {once: true})
    tunnel.open(target, {input: process.stdin, output: process.stdout}, {
      onBytes: (direction, count) => {
        if (direction === 'sent') moved.bytesSent += count
        else moved.bytesReceived += count
      },
      onClose: (failure) => {
        moved.failure = failure
        resolve()
      },
    })
  })
  try {
    await Promise.race([over, gone])
    return signal.aborted ? {...moved, failure: undefined} : moved
  } finally {
    await tunnel.close()
  }
}

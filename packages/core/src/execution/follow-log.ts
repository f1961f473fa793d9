import type {JupyterErrorCode} from '@cgpu/jupyter'
import type {AgentClient, JobStatus} from '../agent/client.ts'
import type {LogRecord} from '../agent/log.ts'
import {remoteCode} from '../agent/problem.ts'
import type {RuntimeSession} from '../runtime/session.ts'

/** Agents that died in a row without a byte of progress: then it is not bad luck. */
const attempts = 3

export interface FollowLogOptions {
  /** a byte offset that ends a record */
  offset: number
  onRecord: (record: LogRecord) => void | Promise<void>
  signal?: AbortSignal | undefined
}

/**
 * Every record of a run's log from an offset until the run is over, each once: across lost links, and across the death of
 * the kernel that reads it, for which another one is started. Undefined when the machine knows no such run, yet.
 * Rejects as AgentClient does.
 */
export async function followLog(session: RuntimeSession, id: string, {offset, onRecord, signal}: FollowLogOptions): Promise<JobStatus | undefined> {
  let at = offset
  for (let failures = 0; ; ) {
    const before = at
    try {
      const agent = await session.agent()
      const status = await agent.follow(id, {
        offset: at,
        signal,
        onRecord: (record) => {
          const wait = onRecord(record)
          // in a flood a promise a record would cost more than the record
          if (wait) return wait.then(() => void (at = record.endOffset))
          at = record.endOffset
        },
      })
      return status.state === 'unknown' ? undefined : status
    } catch (error) {
      if (remoteCode(error) === 'NOT_FOUND') return undefined
      failures = at > before ? 0 : failures + 1
      if (!isKernelGone(error) || failures >= attempts) throw error
    }
  }
}

/** Work with the agent that may be done twice: it is, with another agent, when the kernel of the first one goes. */
export async function withAgent<T>(session: RuntimeSession, work: (agent: AgentClient) => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work(await session.agent())
    } catch (error) {
      if (!isKernelGone(error) || failures >= attempts) throw error
    }
  }
}

function isKernelGone(error: unknown): boolean {
  return hasCode(error, 'KERNEL_DEAD')
}

/** True for a JupyterError of that code; by its name, so that core does not load the library to ask. */
export function hasCode(error: unknown, code: JupyterErrorCode): boolean {
  return error instanceof Error && error.name === 'JupyterError' && 'code' in error && error.code === code
}

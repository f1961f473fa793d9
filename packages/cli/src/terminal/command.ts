import {CgpuError, errors} from '@cgpu/core/errors'
import {withAgent} from '@cgpu/core/execution/follow-log'
import {followJob, type JobOutcome, startJob} from '@cgpu/core/execution/job'
import {feedStdin} from '@cgpu/core/execution/stdin-feed'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import type {CommandSink} from '../run/stream-command.ts'
import type {Interruption} from '../run/interruptible.ts'

export interface CommandRequest {
  id: string
  argv: string[]
  env: Record<string, string>
  sink: CommandSink
  interruptible: (work: Promise<JobOutcome>, how: Interruption) => Promise<JobOutcome>
}

const hangUpSeconds = 2

/** A command without a terminal: streams apart, byte for byte, stdin from here. It ends with us. */
export async function runCommand(session: RuntimeSession, {id, argv, env, sink, interruptible}: CommandRequest): Promise<JobOutcome> {
  const {name} = session.record
  await startJob(session, {id, argv, env, stdin: true})
  feedStdin(session, id, process.stdin).catch(() => undefined) // a program that ended reads no more
  try {
    const outcome = await interruptible(followJob(session, id, {onEvent: sink.onEvent}), {
      first: () => withAgent(session, (agent) => agent.signal(id, 'SIGINT')),
      leave: () => `the command on ${name} is ended`,
    })
    await forget(session, id)
    return outcome
  } catch (error) {
    if (error instanceof CgpuError && error.code === 'INTERRUPTED') await withAgent(session, (agent) => agent.stop(id, {graceSeconds: hangUpSeconds})).catch(() => undefined)
    else await forget(session, id)
    throw error
  } finally {
    process.stdin.destroy()
  }
}

/** Its log was shown: nobody asks for it again. */
async function forget(session: RuntimeSession, id: string): Promise<void> {
  await withAgent(session, (agent) => agent.remove(id)).catch(() => undefined)
}

/** What runs: several words verbatim, one as a line of the shell, none as the shell that reads stdin. Throws NO_COMMAND (64). */
export function argvOf(command: readonly string[]): string[] {
  const [first, ...rest] = command
  if (first === undefined) return ['/bin/sh', '-c', 'exec "${SHELL:-/bin/sh}"']
  if (first === '') throw errors.usage('the command is empty', {code: 'NO_COMMAND', fix: 'cgpu shell -- COMMAND'})
  return rest.length === 0 ? ['/bin/sh', '-c', first] : [first, ...rest]
}

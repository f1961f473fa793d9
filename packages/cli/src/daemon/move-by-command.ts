import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {createInterface} from 'node:readline'
import type {JobRecord} from '@cgpu/core/job/record'
import {MoveFailed} from '@cgpu/core/job/tend'
import type {FailureEnvelope, SuccessEnvelope} from '@cgpu/plugin-sdk'
import type {MovedJob} from '../run/move-job.ts'
import {cliProgram} from './program.ts'

export interface MoveByCommandOptions {
  /** of the work that is done */
  env: NodeJS.ProcessEnv
  /** a folder that there is, for a job whose own is gone */
  folder: string
  log: (line: string) => void
  /** takes back what a command that was killed left, and says what that was */
  reap: () => Promise<readonly unknown[]>
}

/** What somebody else saw to, and another look will see; nothing failed. */
const seenTo = new Set(['INTERRUPTED', 'JOB_BUSY', 'JOB_OVER', 'JOB_RUNNING'])

/**
 * Moves jobs by `cgpu job move`, in a process of its own: plugins are asked there, which a daemon has none of. False: the job cannot go
 * on. Throws what may pass.
 */
export function moveByCommand(options: MoveByCommandOptions): (record: JobRecord, signal: AbortSignal | undefined) => Promise<boolean> {
  return async (record, signal) => {
    const {log, reap} = options
    const {id} = record
    const {answer, how} = await runMove(record, options, signal)
    if (!answer) {
      // it had no time to tidy up
      const left = await reap()
      signal?.throwIfAborted()
      throw new MoveFailed(`cgpu job move ended ${how} before it was done`, {hadMachine: left.length > 0})
    }
    signal?.throwIfAborted()
    for (const warning of answer.warnings) log(`job ${id}: warning: ${warning}`)
    if (answer.ok) {
      const {from, runtime} = answer.data
      log(`${from} was taken away; the job ${id} goes on on ${runtime}`)
      return true
    }
    const {code, message, details} = answer.error
    if (details?.['final'] !== true && !seenTo.has(code)) throw new MoveFailed(message, {hadMachine: details?.['hadMachine'] === true})
    log(`job ${id}: ${message}`)
    return details?.['final'] !== true
  }
}

type Answer = SuccessEnvelope<MovedJob> | FailureEnvelope

/** Runs it to its end; SIGTERM lets it release what it made. */
async function runMove({id, request: {cwd}}: JobRecord, {env, folder, log}: MoveByCommandOptions, signal: AbortSignal | undefined): Promise<{answer: Answer | undefined; how: string}> {
  const child = spawn(process.execPath, [...cliProgram(), 'job', 'move', id, '--json'], {
    cwd: existsSync(cwd) ? cwd : folder, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true,
    // who is asked to look after the job then is this daemon, and it does
    env: {...env, CGPU_DAEMON: 'off'},
  })
  const stop = (): void => void child.kill('SIGTERM')
  signal?.addEventListener('abort', stop, {once: true})
  try {
    createInterface({input: child.stderr}).on('line', (line) => log(`job ${id}: ${line}`))
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk))
    const {promise, resolve, reject} = Promise.withResolvers<string>()
    child.once('error', reject)
    child.once('close', (status, name) => resolve(name === null ? `with status ${status}` : `by ${name}`))
    if (signal?.aborted) stop()
    const how = await promise
    return {answer: answerOf(Buffer.concat(chunks).toString('utf8')), how}
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function answerOf(stdout: string): Answer | undefined {
  try {
    return JSON.parse(stdout) as Answer // our own command's, of this build
  } catch {
    return undefined
  }
}

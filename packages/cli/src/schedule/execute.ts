import {type ChildProcess, type ChildProcessByStdio, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {constants} from 'node:os'
import {type Readable, Writable} from 'node:stream'
import {errors} from '@cgpu/core/errors'
import type {RunLog} from '@cgpu/core/schedule/log'
import type {Schedule} from '@cgpu/core/schedule/record'
import {sanitizeLine, TerminalFilter} from '@cgpu/core/text/terminal'
import {cliProgram} from '../daemon/program.ts'
import {writeTo} from '../stream/sink.ts'
import type {HeldSignals} from './held-signals.ts'

export interface ExecuteOptions {
  log: RunLog
  /** somebody looks on */
  shown: boolean
  /** told its pid */
  begun: (pid: number) => Promise<void>
  /** since before the run was written down */
  signals: HeldSignals
}

/** what the command left running may hold its streams */
const drainMs = 2_000
/** tells bin/run.js where to wait */
const gateVariable = 'CGPU_GATE_FD'

/**
 * Runs the command as a process of its own, without a terminal, and resolves to its exit status; that of a signal which came before it could
 * be started. It does nothing until its pid is written down: else, were we killed, nobody would know that it runs. Throws FILE_NOT_FOUND or
 * CANNOT_START (66).
 */
export async function execute({argv, cwd}: Schedule, {log, shown, begun, signals}: ExecuteOptions): Promise<number> {
  if (!existsSync(cwd)) throw errors.notFound(`the folder ${sanitizeLine(cwd)} is gone`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'make it again, or remove the schedule and make a new one elsewhere'})
  if (signals.pending !== undefined) {
    log.write(Buffer.from(`error: ended by ${signals.pending} before the command was started\n`))
    return 128 + constants.signals[signals.pending]
  }
  const child = spawn(process.execPath, [...cliProgram(), ...argv], {
    cwd, env: {...process.env, [gateVariable]: '3'}, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], windowsHide: true,
  }) as ChildProcessByStdio<null, Readable, Readable> // by its stdio
  signals.passTo(child)
  const stop = closeWithReader(child)
  void openGate(child, begun)
  try {
    const streams = (['stdout', 'stderr'] as const).map((name) => follow(child[name], process[name], log, shown))
    const [status, signal] = await once(child, 'exit').catch((error: unknown) => {
      throw errors.notFound(`the command cannot be started in ${sanitizeLine(cwd)}`, {code: 'CANNOT_START', category: 'file', fix: 'see whether you may use that folder', cause: error})
    }) as [number | null, NodeJS.Signals | null] // as node documents
    const timer = setTimeout(() => {
      child.stdout.destroy()
      child.stderr.destroy()
    }, drainMs)
    await Promise.all(streams)
    clearTimeout(timer)
    return status ?? 128 + constants.signals[signal ?? 'SIGKILL']
  } finally {
    stop()
  }
}

async function follow(from: NodeJS.ReadableStream, to: NodeJS.WriteStream, log: RunLog, shown: boolean): Promise<void> {
  const filter = to.isTTY ? new TerminalFilter() : undefined
  try {
    for await (const chunk of from) {
      const bytes = chunk as Buffer // no encoding was set
      log.write(bytes)
      if (shown) await writeTo(to, filter?.write(bytes) ?? bytes)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error
  }
  if (shown && filter) await writeTo(to, filter.end())
}

/** What cannot be written down is no reason to stop it. */
async function openGate({pid, stdio: [, , , gate]}: ChildProcess, begun: ExecuteOptions['begun']): Promise<void> {
  if (!(gate instanceof Writable)) return
  gate.on('error', () => undefined) // it ended before
  if (pid !== undefined) await begun(pid).catch(() => undefined)
  gate.end('go')
}

/** The command decides what it means that nobody reads its output any more. */
function closeWithReader(child: ChildProcess): () => void {
  const close = (): void => void child.stdout?.destroy()
  process.on('cgpu:stdout-closed' as 'exit', close) // bin/run.js emits it; node's types know only its own events
  return () => void process.off('cgpu:stdout-closed', close)
}

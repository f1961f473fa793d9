import {type ChildProcessByStdio, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {constants} from 'node:os'
import type {Readable} from 'node:stream'
import {errors} from '@cgpu/core/errors'
import type {RunLog} from '@cgpu/core/schedule/log'
import type {Schedule} from '@cgpu/core/schedule/record'
import {sanitizeLine, TerminalFilter} from '@cgpu/core/text/terminal'
import {cliProgram} from '../daemon/program.ts'
import {writeTo} from '../stream/sink.ts'

export interface ExecuteOptions {
  log: RunLog
  /** somebody looks on */
  shown: boolean
  /** told its pid */
  begun: (pid: number) => Promise<void>
}

/** what the command left running may hold its streams */
const drainMs = 2_000

/** Runs the command as a process of its own, without a terminal, and resolves to its exit status. Throws FILE_NOT_FOUND or CANNOT_START (66). */
export async function execute({argv, cwd}: Schedule, {log, shown, begun}: ExecuteOptions): Promise<number> {
  if (!existsSync(cwd)) throw errors.notFound(`the folder ${sanitizeLine(cwd)} is gone`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'make it again, or remove the schedule and make a new one elsewhere'})
  const child = spawn(process.execPath, [...cliProgram(), ...argv], {cwd, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
  const stop = passOn(child)
  // what cannot be written down is no reason to stop it
  if (child.pid !== undefined) void begun(child.pid).catch(() => undefined)
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

/**
 * The command decides what a signal means, and what it means that nobody reads its output any more. Ctrl-C reaches it by itself where both
 * are of one terminal.
 */
function passOn(child: ChildProcessByStdio<null, Readable, Readable>): () => void {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const pass = (name: NodeJS.Signals): void => {
    if (name !== 'SIGINT' || !terminal) child.kill(name)
  }
  const close = (): void => void child.stdout.destroy()
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, pass)
  process.on('cgpu:stdout-closed' as 'exit', close) // bin/run.js emits it; node's types know only its own events
  return () => {
    for (const name of names) process.off(name, pass)
    process.off('cgpu:stdout-closed', close)
  }
}

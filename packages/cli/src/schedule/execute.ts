import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {constants} from 'node:os'
import {existsSync} from 'node:fs'
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
}

/** what the command left running may hold its streams */
const drainMs = 2_000

/** Runs the command as a process of its own, without a terminal, and resolves to its exit status. Throws FILE_NOT_FOUND (66). */
export async function execute({argv, cwd}: Schedule, {log, shown}: ExecuteOptions): Promise<number> {
  if (!existsSync(cwd)) throw errors.notFound(`the folder ${sanitizeLine(cwd)} is gone`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'make it again, or remove the schedule and make a new one elsewhere'})
  const child = spawn(process.execPath, [...cliProgram(), ...argv], {cwd, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
  const stop = passSignals(child.kill.bind(child))
  try {
    const streams = (['stdout', 'stderr'] as const).map((name) => follow(child[name], process[name], log, shown))
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null] // as node documents
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

/** The command decides what a signal means. Ctrl-C reaches it by itself where both are of one terminal. */
function passSignals(kill: (name: NodeJS.Signals) => boolean): () => void {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const pass = (name: NodeJS.Signals): void => {
    if (name !== 'SIGINT' || !terminal) kill(name)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, pass)
  return () => {
    for (const name of names) process.off(name, pass)
  }
}

import {CgpuError} from '@cgpu/core/errors'
import type {ExecOutcome} from '@cgpu/core/execution/exec'
import {inert} from '@cgpu/plugin-sdk/lean'
import {formatTraceback} from '../render/traceback.ts'
import type {Captured} from '../stream/capture-sink.ts'
import type {CommandSink} from './command-sink.ts'

export type ExecResult = Omit<ExecOutcome, 'durationMs'> & {runtime: string; durationSeconds: number} & Partial<Captured>

export interface ExecEnding {
  exitWith: (status: number) => void
  failWith: (exit: number, message: string, code: string, details: Record<string, unknown>) => never
}

/** Ends the output of code that ran, and the command as the code did. */
export async function finishExec(outcome: ExecOutcome, runtime: string, sink: CommandSink, {exitWith, failWith}: ExecEnding): Promise<ExecResult> {
  const {durationMs, ...rest} = outcome
  const error = outcome.error && {name: outcome.error.name, message: outcome.error.value, traceback: outcome.error.traceback}
  await sink.end({id: outcome.id, exitStatus: outcome.exitStatus, durationSeconds: durationMs / 1000, status: outcome.status, ...(error ? {error} : {})})
  const result: ExecResult = {...rest, runtime, durationSeconds: durationMs / 1000, ...sink.captured?.()}
  if (outcome.exitStatus !== 0) exitWith(outcome.exitStatus)
  if (outcome.error === undefined) return result
  const exited = outcome.error.name === 'SystemExit'
  if (sink.kind === 'json') {
    if (outcome.exitStatus !== 0) failWith(outcome.exitStatus, `${outcome.error.name}: ${outcome.error.value}`, outcome.status === 'interrupted' ? 'INTERRUPTED' : 'CODE_FAILED', {...result})
  } else if (sink.kind === 'text') process.stderr.write(exited ? exitMessage(outcome.error.value) : formatTraceback(outcome.error))
  return result
}

/** A remote failure as the JSON error: the program's own status, and the whole result in its details. */
export function failureOfCode(exit: number, message: string, code: string, details: Record<string, unknown>): CgpuError {
  return new CgpuError(message, {code, category: 'code', exit, details, fix: 'see the output in error.details'})
}

/** What Python prints when sys.exit() is given something else than a status. */
function exitMessage(value: string): string {
  return /^(None|True|False|-?\d+)?$/.test(value) ? '' : `${inert(value)}\n`
}

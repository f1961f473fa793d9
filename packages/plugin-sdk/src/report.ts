import {inspect} from 'node:util'
import type {CgpuError} from '@cgpu/core/errors'
import {failure} from './envelope.ts'
import {inert} from './text.ts'

export interface ReportOptions {
  /** the command's id, '' when there is none */
  command: string
  json: boolean
  verbose: boolean
  warnings?: string[]
}

const indent = (text: string): string => text.replaceAll('\n', '\n  ')

/** `error: …` and `fix: …` on stderr, or the envelope on stdout; the stack on stderr only with --verbose. */
export function reportError(error: CgpuError, {command, json, verbose, warnings = []}: ReportOptions): void {
  if (json) process.stdout.write(`${JSON.stringify(failure(command, error, warnings))}\n`)
  else {
    process.stderr.write(`error: ${indent(inert(error.message))}\n`)
    if (error.fix) process.stderr.write(`fix: ${indent(inert(error.fix))}\n`)
  }
  if (!verbose) return
  const origin: unknown = error.cause ?? error
  const stack = origin instanceof Error ? (origin.stack ?? String(origin)) : inspect(origin)
  process.stderr.write(`${inert(stack)}\n`)
}

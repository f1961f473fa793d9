import {closeSync, mkdirSync, openSync, readdirSync, renameSync, unlinkSync, writeSync} from 'node:fs'
import {release, type as systemType} from 'node:os'
import {join} from 'node:path'
import {inspect} from 'node:util'
import type {CgpuError} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {debugDir, isLogName} from './logs.ts'
import {masking, maskedArgv} from './masking.ts'
import type {TraceRing} from './ring.ts'

export interface DebugEntry {
  /** its id, `runtime:create`; '' when there is none */
  command: string
  /** cgpu's own part of the command line, and the program or code that it was given */
  argv: readonly string[]
  program: readonly string[]
  version: string
  exitStatus: number
  error?: CgpuError | undefined
  ring: TraceRing
  /** known ones, which are taken out wherever they stand */
  secrets?: Iterable<string>
  startedAt: Date
}

/** The newest that are kept. */
const keptLogs = 20

/**
 * Writes what a command did below `state/debug/`, redacted, for its owner only, whole or not at all. Synchronous: a crash
 * must not have to wait for anything. A failure is nobody's business: what the command has to say counts more.
 */
export function writeDebugLog(state: string, entry: DebugEntry, env: NodeJS.ProcessEnv = process.env): void {
  const folder = debugDir(state)
  const time = new Date().toISOString().replaceAll(':', '-')
  const id = (entry.command || 'cgpu').replaceAll(/[^\w-]+/g, '-').slice(0, 60)
  const name = `${time}-${id}-${process.pid}.log`
  const temp = join(folder, `.${name}.cgpu-tmp`) // sweepTemps knows these
  try {
    mkdirSync(folder, {recursive: true, mode: 0o700})
    const file = openSync(temp, 'wx', 0o600)
    try {
      writeSync(file, debugText(entry, env))
    } finally {
      closeSync(file)
    }
    renameSync(temp, join(folder, name))
    prune(folder)
  } catch {
    try {
      unlinkSync(temp)
    } catch {
      // it was never made
    }
  }
}

function prune(folder: string): void {
  const names = readdirSync(folder).filter(isLogName).sort()
  for (const name of names.slice(0, -keptLogs)) unlinkSync(join(folder, name))
}

/** The log's text: a head of `name: value` lines, the error, the traces. */
export function debugText({command, argv, program, version, exitStatus, error, ring, secrets = [], startedAt}: DebugEntry, env: NodeJS.ProcessEnv): string {
  const now = new Date()
  const head = {
    time: now.toISOString(),
    command: ['cgpu', ...command.split(':').filter(Boolean), ...maskedArgv(argv).map(shown)].join(' '),
    ...(program.length > 0 ? {program: maskedArgv(program).map(shown).join(' ').slice(0, 2000)} : {}),
    exit: exitStatus,
    seconds: ((now.getTime() - startedAt.getTime()) / 1000).toFixed(3),
    cgpu: version,
    node: process.versions.node,
    system: `${systemType()} ${release()} ${process.arch}`,
  }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`)
  if (error) lines.push('', `error: ${error.code} (${error.category}): ${error.message}`, ...(error.fix ? [`fix: ${error.fix}`] : []), ...stacks(error))
  const traces = ring.lines()
  lines.push('', `traces: ${traces.length}${ring.dropped > 0 ? `, ${ring.dropped} older ones are gone` : ''}`, ...traces, '')
  // masked before control characters are escaped: an escape would end a token early
  return masking(env, secrets)(lines.join('\n')).split('\n').map((line) => sanitizeLine(line, 10_000)).join('\n')
}

/** Of the error and of what caused it, outermost first. */
function stacks(error: unknown): string[] {
  const found: string[] = []
  for (let one = error, depth = 0; one !== undefined && depth < 5; depth++) {
    const stack = one instanceof Error ? (one.stack ?? String(one)) : inspect(one, {depth: 1})
    found.push(depth === 0 ? stack : `caused by ${stack}`)
    one = one instanceof Error ? one.cause : undefined
  }
  return found.flatMap((stack) => stack.split('\n'))
}

/** A word as a shell would take it, on one line. */
function shown(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : JSON.stringify(word.length > 500 ? `${word.slice(0, 499)}…` : word)
}

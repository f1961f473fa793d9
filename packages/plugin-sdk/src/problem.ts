import {constants} from 'node:os'
import {CgpuError, errors, ExitCode} from '@cgpu/core/errors'
import {isShortOfFiles} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {isAbort} from './abort.ts'
import {unknownFlag} from './remote-args.ts'

/** What a failing command tells about itself, so that the error can name its flags. */
export interface ProblemContext {
  /** `cgpu runtime list` */
  command: string
  flagNames: string[]
}

/** The fields that oclif and Node put on their errors; all may be missing or of another type. */
interface Foreign {
  name?: unknown
  message?: unknown
  code?: unknown
  path?: unknown
  syscall?: unknown
  flags?: unknown
  args?: unknown
  parse?: unknown
  oclif?: {exit?: unknown}
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function firstLower(message: string): string {
  return /^[A-Z][a-z]/.test(message) ? message[0]!.toLowerCase() + message.slice(1) : message
}

/** oclif's wording, without its pointer to --help, its tabs and its colours, on as few lines as carry something. */
function parserMessage(error: Foreign): string {
  const lines = text(error.message)
    .replace(/\u001b\[[0-9;]*m/g, '')
    .replace(/\n?See more help with --help/g, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing (--[\w-]+) \s*/, '$1: ')
    .split('\n').map((line) => plainer(line.trim())).filter(Boolean)
  return firstLower(sanitizeLine([...new Set(lines)].join('; ').replace(/:; /g, ': '), 400))
}

/** What oclif says of flags that need or exclude each other, the same whichever of the two it complains of. */
function plainer(line: string): string {
  const apart = /^(--[\w-]+)(?:=.*)? cannot also be provided when using (--[\w-]+)$/.exec(line)
  if (apart) return `${[apart[1] ?? '', apart[2] ?? ''].sort((a, b) => a.localeCompare(b)).join(' and ')} cannot be given together`
  const needed = /^All of the following must be provided when using (--[\w-]+): (.*)$/.exec(line)
  return needed ? `${needed[1]} needs ${needed[2]}` : line
}

/** Arguments that are missing, as their command's help calls them. */
function missingArgs(args: unknown): string | undefined {
  if (!Array.isArray(args)) return undefined
  const named = args.flatMap((one: unknown) => {
    const {name, description} = (one ?? {}) as {name?: unknown; description?: unknown} // any property may be missing
    return typeof name === 'string' ? [`${name.toUpperCase()}${typeof description === 'string' ? ` (${description})` : ''}`] : []
  })
  return named.length === 0 ? undefined : `missing: ${sanitizeLine(named.join(', '), 400)}`
}

function parserError(error: Foreign, {command, flagNames}: ProblemContext): CgpuError {
  const help = `see ${command} --help`
  if (Array.isArray(error.flags) && error.flags.length > 0) return unknownFlag(String(error.flags[0]), flagNames, help)
  const missing = /^Missing \d+ required arg/.test(text(error.message)) ? missingArgs(error.args) : undefined
  return errors.usage(missing ?? parserMessage(error), {code: 'USAGE', fix: help})
}

const filesystem: Record<string, string> = {
  ENOSPC: 'the disk is full', EDQUOT: 'the disk quota is used up', EROFS: 'the file system is read-only',
  EACCES: 'permission denied', EPERM: 'permission denied',
  EMFILE: 'too many files are open', ENFILE: 'the system has too many files open',
}

function filesystemError(error: Foreign): CgpuError | undefined {
  const reason = typeof error.syscall === 'string' ? filesystem[text(error.code)] : undefined
  if (!reason) return undefined
  const where = typeof error.path === 'string' ? `${sanitizeLine(error.path)}: ` : ''
  const fix = reason.startsWith('the disk') ? 'free some space and try again'
    : isShortOfFiles(error) ? 'raise the limit (ulimit -n), or end some programs, then try again'
    : 'make it writable, or choose another folder'
  return errors.cannotWrite(`${where}${reason}`, {code: 'CANNOT_WRITE', fix, cause: error})
}

/** oclif's own way to leave with a status; its error carries nothing to show. */
export function exitRequest(error: unknown): number | undefined {
  const {code, oclif} = (error ?? {}) as Foreign // any property may be missing: that is what Foreign says
  return code === 'EEXIT' && typeof oclif?.exit === 'number' ? oclif.exit : undefined
}

/** The status to exit with: an interruption by another signal than Ctrl-C keeps that signal's, 128 + n. */
export function exitStatus(error: CgpuError): number {
  const signal = error.code === 'INTERRUPTED' ? error.details?.['signal'] : undefined
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1]
  return number === undefined ? error.exit : 128 + number
}

/** Whatever was thrown, as an error for the user. What nobody foresaw becomes INTERNAL, exit 70. */
export function toCgpuError(thrown: unknown, context: ProblemContext): CgpuError {
  if (thrown instanceof CgpuError) return thrown
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {message: String(thrown)}) as Foreign // all optional
  if (isAbort(error)) return errors.interrupted('interrupted', {code: 'INTERRUPTED', cause: thrown})
  const isParser = error.parse !== undefined || /^(Parsing --|Flag --[\w-]+ (expects|can only))/.test(text(error.message))
  if (isParser) return parserError(error, context)
  const known = filesystemError(error)
  if (known) return known
  if (error.oclif?.exit !== undefined) {
    // an outside command's own `this.error(...)`: its words, not a bug of ours
    return errors.usage(sanitizeLine(text(error.message)), {code: text(error.code) || 'COMMAND_FAILED', category: 'plugin', fix: `see ${context.command} --help`, cause: thrown})
  }
  const message = sanitizeLine(text(error.message) || String(thrown), 400)
  return new CgpuError(`a bug in cgpu: ${message}`, {
    code: 'INTERNAL', category: 'internal', exit: ExitCode.internal, cause: thrown,
    fix: `run the same command with --verbose and report what it prints`,
  })
}

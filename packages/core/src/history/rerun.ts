import {resolve} from 'node:path'
import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {shellLine} from '../text/quote.ts'
import type {HistoryEntry, SpecFlags} from './entry.ts'
import {isRedacted} from './redact.ts'

/** How an execution is done again. */
export interface RerunPlan {
  command: 'exec' | 'run' | 'notebook run'
  /** behind the command */
  argv: string[]
  /** local folder to do it in */
  cwd: string
  /** the machine to make first: code needs one that is there, a run makes its own */
  ensure?: {name: string; spec: SpecFlags}
  /** a local file that should still be as it was */
  file?: {path: string; sha256: string | undefined}
}

export interface RerunOptions {
  /** the machine to use; absent: a new one like the former */
  runtime?: string | undefined
  env: NodeJS.ProcessEnv
}

/** Throws MISSING_ENV (64) and NOT_REPRODUCIBLE (65). */
export function rerunPlan(entry: HistoryEntry, {runtime, env}: RerunOptions): RerunPlan {
  const {command, cwd, given = {}, spec} = entry
  needVariables(entry, env)
  const path = command.script ?? command.notebook ?? command.file
  const more = {cwd, ...(path === undefined ? {} : {file: {path: resolve(cwd, path), sha256: command.sha256}})}
  const flags = flagWords(given)
  if (entry.kind === 'shell') throw errors.data(`${sanitizeLine(entry.id, 64)} cannot be done again: what is typed into a terminal is not kept`, {
    code: 'NOT_REPRODUCIBLE', fix: 'cgpu shell', details: {id: entry.id},
  })
  const name = runtime ?? entry.runtime?.name ?? 'rerun'
  // they work on a machine that is there
  const ensured = {...more, ...(runtime === undefined ? {ensure: {name, spec}} : {})}
  if (entry.kind === 'exec') return {command: 'exec', argv: ['-r', name, ...flags, ...codeWords(entry)], ...ensured}
  if (entry.kind === 'notebook') return {command: 'notebook run', argv: [notebookOf(entry), '--runtime', name, ...flags, ...(command.args ?? [])], ...ensured}
  if (command.cut || command.redacted) throw notReproducible(entry)
  const where = runtime === undefined ? flagWords({...spec}) : ['-r', runtime]
  const what = command.script === undefined ? ['--', ...(command.argv ?? [])] : [command.script, ...(command.args ?? [])]
  return {command: 'run', argv: [...where, ...flags, ...what], ...more}
}

function codeWords(entry: HistoryEntry): string[] {
  const {code, file, cut, redacted} = entry.command
  // read from its file again: what was kept of it is not all
  if ((cut || redacted) && file !== undefined) return ['-f', file]
  if (cut || redacted || code === undefined) throw notReproducible(entry)
  return code === '-' || code.startsWith('-') ? ['--', code] : [code]
}

/** Its cells are read from the file again: only what was given to it has to be whole. */
function notebookOf(entry: HistoryEntry): string {
  const {notebook, args = []} = entry.command
  if (notebook === undefined || notebook === '-') throw errors.data(`${sanitizeLine(entry.id, 64)} cannot be done again: the notebook came from stdin`, {
    code: 'NOT_REPRODUCIBLE', fix: 'give notebooks as files', details: {id: entry.id},
  })
  if (args.some(isRedacted)) throw notReproducible(entry)
  return notebook
}

function notReproducible({id, command}: HistoryEntry): Error {
  const why = command.cut ? 'it is too long to be kept whole' : 'a secret was taken out of it'
  return errors.data(`${sanitizeLine(id, 64)} cannot be done again: ${why}`, {
    code: 'NOT_REPRODUCIBLE', fix: command.cut ? 'keep such code in a file: cgpu exec -f FILE' : 'give secrets with --secret NAME, never as text', details: {id},
  })
}

function needVariables({id, given = {}}: HistoryEntry, env: NodeJS.ProcessEnv): void {
  const names = [given['env'] ?? []].flat().filter(one => typeof one === 'string')
  const missing = names.filter(name => env[name] === undefined)
  if (missing.length === 0) return
  throw errors.usage(`${sanitizeLine(id, 64)} had variables that are not set here: ${missing.map(name => sanitizeLine(name, 60)).join(', ')}`, {
    code: 'MISSING_ENV', fix: `set them first, their values are not in the history: export ${missing.map(name => `${sanitizeLine(name, 60)}=…`).join(' ')}`, details: {id, missing},
  })
}

/** Flags as words of a command line; what is no flag is passed over. */
export function flagWords(flags: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (!/^[a-z][a-z0-9-]*$/.test(name)) return []
    if (value === true) return [`--${name}`]
    return [value].flat().filter(one => typeof one === 'string').flatMap(one => (one.startsWith('-') ? [`--${name}=${one}`] : [`--${name}`, one]))
  })
}

/** What a person would type, from `here`. */
export function rerunLine({command, argv, cwd, ensure}: RerunPlan, here: string): string {
  const first = ensure ? [`${shellLine(['cgpu', 'runtime', 'ensure', ensure.name, ...flagWords({...ensure.spec})])} >&2`] : []
  const steps = [...(cwd === here || cwd === '' ? [] : [`cd ${shellLine([cwd])}`]), ...first, shellLine(['cgpu', ...command.split(' '), ...argv])]
  return steps.join(' && ')
}

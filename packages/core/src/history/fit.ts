import {createHash} from 'node:crypto'
import type {HistoryCommand, HistoryRecord} from './entry.ts'

/** A line of the history is no longer, so that one write puts it down whole. */
export const maxLine = 64 * 1024
const mark = '\n[cut]'

/** The record so short that its line fits: what is long loses its end, a command with its true length and sha256 noted. */
export function fitted(record: HistoryRecord): HistoryRecord {
  if (lengthOf(record) <= maxLine) return record
  for (let budget = 32 * 1024; budget >= 16; budget >>= 1) {
    const shorter = shortened(record, budget)
    if (lengthOf(shorter) <= maxLine) return shorter
  }
  // only fields of a newer cgpu can be that long
  return record.t === 'end' ? {id: record.id, at: record.at, t: 'end', status: record.status, durationSeconds: record.durationSeconds} : shortened(record, 16)
}

const lengthOf = (record: HistoryRecord): number => Buffer.byteLength(JSON.stringify(record)) + 1

function shortened(record: HistoryRecord, budget: number): HistoryRecord {
  const {t} = record
  if (t === 'end') {
    const {tail} = record
    const keepEnd = (text: string | undefined): string | undefined => (text === undefined ? undefined : text.slice(-(budget >> 2)))
    return {
      ...record,
      ...defined({message: cutText(record.message, budget >> 2), traceback: cutText(record.traceback, budget >> 1), artifacts: record.artifacts && cutList(record.artifacts, budget >> 2)}),
      ...(tail ? {tail: defined({stdout: keepEnd(tail.stdout), stderr: keepEnd(tail.stderr)})} : {}),
    }
  }
  const lists = Object.fromEntries((['envNames', 'packages', 'outputs'] as const).flatMap(key => (record[key] ? [[key, cutList(record[key], budget >> 3)]] : [])))
  const {given, command} = record
  return {...record, ...lists, ...(command ? {command: cutCommand(command, budget)} : {}), ...(given && JSON.stringify(given).length > budget ? {given: {}} : {})}
}

function cutCommand(command: HistoryCommand, budget: number): HistoryCommand {
  const {code, args, argv} = command
  const whole = code ?? JSON.stringify(argv ?? args ?? [])
  if (command.cut || whole.length <= budget) return command
  return {
    ...command,
    ...defined({code: cutText(code, budget), args: args && cutList(args, budget), argv: argv && cutList(argv, budget)}),
    cut: {bytes: Buffer.byteLength(whole), sha256: sha256(whole)},
  }
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** A prefix that ends in no half of a surrogate pair. */
function cutText(text: string | undefined, length: number): string | undefined {
  if (text === undefined || text.length <= length) return text
  return `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}${mark}`
}

function cutList(list: readonly string[], length: number): string[] {
  const kept: string[] = []
  let used = 0
  for (const one of list) {
    used += one.length + 8
    if (used > length) {
      kept.push(cutText(one, Math.max(0, length - (used - one.length))) ?? '')
      break
    }
    kept.push(one)
  }
  return kept
}

function defined<T extends object>(fields: T): {[K in keyof T]?: Exclude<T[K], undefined>} {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {[K in keyof T]?: Exclude<T[K], undefined>} // undefined ones are gone
}

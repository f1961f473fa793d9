import {closeSync, fstatSync, openSync, readdirSync, readSync} from 'node:fs'
import {join} from 'node:path'
import {cannotRead} from './problems.ts'
import {errnoOf} from '../state/write-error.ts'

export const currentName = 'history.jsonl'
const rotatedName = /^history-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.jsonl$/
/** fits into a processor's cache, and is far longer than a line */
const windowBytes = 1024 * 1024
const newline = 0x0a

/** Whole lines of one file, at most a window at a time. */
export interface Window {
  bytes: Buffer
  path: string
}

/** Names of what was rotated away, the oldest first. */
export function rotatedNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter(name => rotatedName.test(name)).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw cannotRead(folder, error)
  }
}

/** Names sort by age, also when the clock was put back. */
export function nextRotatedName(last: string | undefined, now: number): string {
  const [, day, hour, minute, second, ms] = rotatedName.exec(last ?? '') ?? []
  const after = day === undefined ? 0 : Date.parse(`${day}T${hour}:${minute}:${second}.${ms}Z`) + 1
  return `history-${new Date(Math.max(now, after || 0)).toISOString().replaceAll(/[:.]/g, '-')}.jsonl`
}

/**
 * All of the history from its newest line back to its oldest. The buffer is used again for the next window. A rotation meanwhile
 * hides nothing: the current file is opened before the others are looked for.
 */
export function* windows(folder: string): Generator<Window> {
  const current = open(join(folder, currentName))
  const seen = new Set<string>()
  const buffer = {bytes: Buffer.alloc(0)}
  try {
    if (current) yield* backwards(current, seen, buffer)
    for (const name of rotatedNames(folder).toReversed()) {
      const file = open(join(folder, name))
      if (!file) continue // rotated out of existence just now
      try {
        yield* backwards(file, seen, buffer)
      } finally {
        closeSync(file.fd)
      }
    }
  } finally {
    if (current) closeSync(current.fd)
  }
}

interface OpenFile {
  fd: number
  path: string
}

function open(path: string): OpenFile | undefined {
  try {
    return {fd: openSync(path, 'r'), path}
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw cannotRead(path, error)
  }
}

function* backwards({fd, path}: OpenFile, seen: Set<string>, buffer: {bytes: Buffer}): Generator<Window> {
  const {size, dev, ino} = fstatSync(fd, {bigint: true})
  const inode = `${dev}:${ino}`
  if (seen.has(inode)) return
  seen.add(inode)
  let end = Number(size)
  while (end > 0) {
    const start = Math.max(0, end - windowBytes)
    if (buffer.bytes.length < end - start) buffer.bytes = Buffer.allocUnsafeSlow(end - start)
    const bytes = buffer.bytes.subarray(0, fill(fd, buffer.bytes, start, end))
    const first = start === 0 ? 0 : bytes.indexOf(newline) + 1
    // no line of ours is as long as a window: without a line end it is garbage, and passed over
    if (start === 0 || first > 0) yield {bytes: bytes.subarray(first), path}
    end = start === 0 ? 0 : first > 0 ? start + first : start
  }
}

function fill(fd: number, bytes: Buffer, start: number, end: number): number {
  let length = 0
  while (length < end - start) {
    const read = readSync(fd, bytes, length, end - start - length, start + length)
    if (read === 0) break
    length += read
  }
  return length
}

/** The lines of a window, the last one first, without their line ends; empty ones left out. */
export function* linesBackwards(bytes: Buffer): Generator<{start: number; end: number}> {
  let end = bytes.length
  while (end > 0) {
    if (bytes[end - 1] === newline) end--
    const start = end === 0 ? 0 : bytes.lastIndexOf(newline, end - 1) + 1
    if (end > start) yield {start, end}
    end = start
  }
}

const head = '{"id":"'

/** The id of the line at `start`, read off its first bytes, as every line of ours begins with it. */
export function idAt(bytes: Buffer, start: number, end: number): string | undefined {
  const from = start + head.length
  const to = bytes.indexOf(0x22, from)
  if (to === -1 || to > end || bytes.toString('latin1', start, from) !== head) return undefined
  return bytes.toString('latin1', from, to)
}

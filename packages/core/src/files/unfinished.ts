import {createHash} from 'node:crypto'

const pattern = /^\.(?:.*\.)?cgpu-[0-9a-f]{12}(?:\.[0-9]+)?\.part$/s

/** Whether a file is one that cgpu has not finished: never copied, never listed. */
export function isUnfinished(path: string): boolean {
  return path.endsWith('.part') && pattern.test(path.slice(path.lastIndexOf('/') + 1))
}

/** What the unfinished files of one name begin with; `key` is what they are part of. */
export function unfinishedStem(name: string): string {
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 8)}.cgpu-`
}

/** 12 hex digits: what the same content of the same file has again. */
export function keyOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 12)
}

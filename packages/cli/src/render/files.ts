import type {FoundEntry, RemotePath} from '@cgpu/core/files/remote'
import {formatBytes, formatMoment} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {displayWidth} from './terminal.ts'

/** A file, a folder, a link, as `--json` tells it. */
export interface FileView {
  /** the last part of its path */
  name: string
  /** as it is typed behind NAME: */
  path: string
  type: string
  /** bytes */
  size: number
  /** permission bits, octal: `0644` */
  mode: string
  modifiedAt: string
  /** of a link: what it says */
  target?: string
  /** the path's bytes, only where they are no UTF-8; U+FFFD stands for them in `path` */
  pathBase64?: string
}

const names = 4000

/** A path below another. */
export function joined(folder: string, below: string): string {
  if (below === '') return folder
  return folder === '.' || folder === '' ? below : `${folder.replace(/\/+$/, '')}/${below}`
}

/** `folder`: what the entry's path is below. */
export function fileView({path, raw, type, size, mode, mtime, target}: FoundEntry, folder = '.'): FileView {
  const whole = joined(folder, path)
  const before = Buffer.from(whole.slice(0, whole.length - path.length))
  return {
    name: path.split('/').at(-1) || path, path: whole, type, size, mode: octal(mode), modifiedAt: isoOf(mtime), ...(target === undefined ? {} : {target}),
    ...(raw === undefined ? {} : {pathBase64: Buffer.concat([before, Buffer.from(raw, 'base64')]).toString('base64')}),
  }
}

export const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

/** Of unix seconds; a time that no calendar has is the nearest that one has. */
export function isoOf(seconds: number): string {
  const ms = Math.max(-8.64e15, Math.min(8.64e15, seconds * 1000))
  return new Date(Number.isFinite(ms) ? ms : 0).toISOString()
}

const letters: Record<string, string> = {file: '-', directory: 'd', link: 'l'}

/** `-rw-r--r--` */
export function modeText(type: string, mode: number): string {
  const three = (bits: number, special: boolean, letter: string): string =>
    `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${special ? (bits & 1 ? letter : letter.toUpperCase()) : bits & 1 ? 'x' : '-'}`
  const parts = [three(mode >> 6, (mode & 0o4000) !== 0, 's'), three(mode >> 3, (mode & 0o2000) !== 0, 's'), three(mode, (mode & 0o1000) !== 0, 't')]
  return `${letters[type] ?? '?'}${parts.join('')}`
}

/** A name on one line; a folder's ends with a slash. */
export function shownName({path, type}: Pick<FoundEntry, 'type'> & RemotePath): string {
  return sanitizeLine(path, names) + (type === 'directory' && !path.endsWith('/') ? '/' : '')
}

/** Mode, size, time and name, each of a width that holds for any, so that a line needs no other line. */
export function longLine(entry: FoundEntry): string {
  const size = entry.type === 'directory' ? '-' : formatBytes(entry.size)
  const arrow = entry.target === undefined ? '' : ` -> ${sanitizeLine(entry.target, names)}`
  return `${modeText(entry.type, entry.mode)}  ${size.padStart(8)}  ${formatMoment(entry.mtime * 1000)}  ${shownName(entry)}${arrow}`
}

/** Names beside one another, down the columns first, within a terminal's width. */
export function columns(texts: readonly string[], width: number): string[] {
  const widest = texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0) + 2
  const across = Math.max(1, Math.floor((width + 2) / widest))
  const down = Math.ceil(texts.length / across)
  return Array.from({length: down}, (_, row) => {
    const cells = Array.from({length: across}, (_, column) => texts[column * down + row] ?? '')
    return cells.map((cell) => cell + ' '.repeat(Math.max(0, widest - displayWidth(cell)))).join('').trimEnd()
  })
}

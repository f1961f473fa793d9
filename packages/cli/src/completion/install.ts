import {readFile, stat, unlink} from 'node:fs/promises'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import type {Place} from './place.ts'

/** What became, or would become, of a file. */
export interface Change {
  path: string
  change: 'created' | 'updated' | 'removed' | 'unchanged'
}

const begin = '# >>> cgpu completion >>>'
const end = '# <<< cgpu completion <<<'
const block = /\n?# >>> cgpu completion >>>\r?\n[^]*?# <<< cgpu completion <<<(?:\r?\n|$)/

/** Writes the script, and the lines that have the shell read it. Done twice it changes nothing. Throws CANNOT_WRITE (73). */
export async function install({script, startup}: Place, text: string, dry: boolean): Promise<Change[]> {
  const changes = [await put(script, () => text, dry)]
  if (startup) changes.push(await put(startup.path, (old = '') => withBlock(old, startup.line), dry))
  return changes
}

/** Takes away what `install` wrote, and nothing else. Throws CANNOT_WRITE (73). */
export async function uninstall({script, startup}: Place, dry: boolean): Promise<Change[]> {
  const changes = startup ? [await put(startup.path, (old) => old?.replace(block, ''), dry)] : []
  return [await put(script, () => undefined, dry), ...changes]
}

/** The lines stay where they are, so that a second time changes nothing; new ones go to the end, behind what sets completion up. */
function withBlock(old: string, line: string): string {
  const lines = `${begin}\n${line}\n${end}\n`
  if (block.test(old)) return old.replace(block, (found) => `${found.startsWith('\n') ? '\n' : ''}${lines}`)
  return `${old}${old === '' ? '' : old.endsWith('\n') ? '\n' : '\n\n'}${lines}`
}

/** `make` gets what is there, undefined where nothing is, and gives what is to be; undefined: no file. A file behind a link stays there. */
async function put(path: string, make: (old: string | undefined) => string | undefined, dry: boolean): Promise<Change> {
  const old = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw cannotWrite(path, error)
  })
  const text = make(old)
  if (text === old) return {path, change: 'unchanged'}
  if (!dry && text === undefined) await unlink(path).catch((error: unknown) => Promise.reject(cannotWrite(path, error)))
  if (!dry && text !== undefined) await writeAtomic(path, text, {mode: await modeOf(path), followLink: true})
  return {path, change: old === undefined ? 'created' : text === undefined ? 'removed' : 'updated'}
}

/** A start-up file keeps its permissions. */
function modeOf(path: string): Promise<number> {
  return stat(path).then(({mode}) => mode & 0o777, () => 0o644)
}

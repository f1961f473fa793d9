import {createReadStream} from 'node:fs'
import {stat} from 'node:fs/promises'
import {errors, type HookHost, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'
import type {Notebook} from '../format/model.ts'
import {readNotebook} from '../format/read.ts'
import {readOutline} from './outline.ts'

/** Where a copy that comes back is put. */
export interface Destination {
  /**
   * Puts the copy in a file of this computer there. Gives the notebook in it, where that is a file without its large outputs: those of hundreds of megabytes are
   * not to be in memory. Throws CANNOT_WRITE (73), what `readNotebook` and the address's scheme do.
   */
  put(copy: string): Promise<Notebook>
  /** the least time between two copies of a run that goes on; undefined: only the last one is wanted */
  everyMs?: number
}

/** A file, an address, or `-`: whoever asks prints it. `host` asks plugins for schemes. */
export async function destinationOf(output: string, host: HookHost): Promise<Destination> {
  if (output === '-') return {put: (copy) => readNotebook(copy)}
  if (!isAddress(output)) return {put: (copy) => putFile(copy, output), everyMs: 10_000}
  const {RemoteCopy} = await import('../addresses/remote-copy.ts')
  const remote = await RemoteCopy.open({address: output, host})
  return {
    async put(copy) {
      const notebook = await readNotebook(copy)
      const saver = await remote.saver(notebook)
      saver.changed('cell')
      await saver.finish()
      return notebook
    },
    everyMs: 60_000,
  }
}

async function putFile(copy: string, path: string): Promise<Notebook> {
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory()) throw errors.cannotWrite(`${sanitizeLine(path)} is a folder`, {code: 'CANNOT_WRITE', fix: 'give the path of a file with -o'})
  // what is no notebook takes no notebook's place
  const outline = await readOutline(copy, sanitizeLine(path))
  await writeAtomic(path, createReadStream(copy), {mode: there ? there.mode & 0o777 : 0o666, followLink: true})
  return outline
}

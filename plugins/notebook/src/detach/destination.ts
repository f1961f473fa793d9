import {stat} from 'node:fs/promises'
import {errors, type HookHost, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'
import type {Notebook} from '../format/model.ts'
import {notebookChunks} from '../format/write.ts'

/** Where a copy that comes back is put. */
export interface Destination {
  /** Throws CANNOT_WRITE (73), and what the address's scheme does. */
  put(notebook: Notebook): Promise<void>
  /** the least time between two copies of a run that goes on; undefined: only the last one is wanted */
  everyMs?: number
}

/** A file, an address, or `-`: whoever asks prints it. `host` asks plugins for schemes. */
export async function destinationOf(output: string, host: HookHost): Promise<Destination> {
  if (output === '-') return {put: async () => {}}
  if (!isAddress(output)) return {put: (notebook) => putFile(notebook, output), everyMs: 10_000}
  const {RemoteCopy} = await import('../addresses/remote-copy.ts')
  const remote = await RemoteCopy.open({address: output, host})
  return {
    async put(notebook) {
      const saver = await remote.saver(notebook)
      saver.changed('cell')
      await saver.finish()
    },
    everyMs: 60_000,
  }
}

async function putFile(notebook: Notebook, path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory()) throw errors.cannotWrite(`${sanitizeLine(path)} is a folder`, {code: 'CANNOT_WRITE', fix: 'give the path of a file with -o'})
  await writeAtomic(path, notebookChunks(notebook), {mode: there ? there.mode & 0o777 : 0o666, followLink: true})
}

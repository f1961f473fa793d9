import {randomUUID} from 'node:crypto'
import {mkdtemp, rm, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {isAbsolute, join, relative} from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {CgpuError, cgpu, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'
import type {Notebook} from '../format/model.ts'
import {notebookChunks} from '../format/write.ts'
import {outputPath} from '../run/output-path.ts'
import type {Destination} from './destination.ts'
import type {FoundRun} from './place.ts'
import {remembered} from './remembered.ts'

/** Where the copy of a run goes: `-o`, else where its start said, else NAME.out.ipynb in this folder. Shown as shortly as it can be. */
export async function outputOf({folder, notebook}: FoundRun, out: string | undefined): Promise<string> {
  if (out !== undefined) return out
  const known = (await remembered(folder))?.output
  if (known === undefined) return outputPath(notebook, {})
  if (isAddress(known)) return known
  const near = relative(process.cwd(), known)
  return near.startsWith('..') || isAbsolute(near) ? known : near
}

export const isOver = (state: string): boolean => state === 'exited' || state === 'lost'

/** Puts the copy, as it is now, where it goes. Whole or not at all. Gives what the destination does. Throws COPY_NOT_YET (66), COPY_GONE (66), and what `cgpu cp` and the destination do. */
export async function fetchCopy(found: FoundRun, destination: Destination, {over, signal}: {over: boolean; signal?: AbortSignal}): Promise<Notebook> {
  // from what was brought back when its job was over
  const brought = join(found.outputs, found.copy)
  if (over && (await stat(brought).catch(() => undefined))) return destination.put(brought)
  const {remote, job: {id, runtime}} = found
  if (remote === undefined) throw errors.notFound(`the copy of ${sanitizeLine(id, 80)} is on ${runtime}, which cannot be asked`, {code: 'COPY_GONE', fix: `see what is known of it: cgpu job show ${sanitizeLine(id, 80)}`})
  const folder = await mkdtemp(join(tmpdir(), 'cgpu-notebook-'))
  try {
    const temporary = join(folder, `${randomUUID()}.ipynb`)
    await cgpu.files.copy(`${runtime}:${remote}`, temporary, {quiet: true}, signal ? {signal} : {}).catch((error: unknown) => {
      if (!(error instanceof CgpuError) || error.exit !== 66 || error.code === 'RUNTIME_GONE') throw error
      throw errors.notFound(over ? `the copy of ${id} is not on ${runtime} any more` : `the copy of ${id} is not there yet`, {
        code: over ? 'COPY_GONE' : 'COPY_NOT_YET', retryable: !over, fix: over ? 'run the notebook again' : `try again when its kernel has started: cgpu notebook attach ${id}`, cause: error,
      })
    })
    return await destination.put(temporary)
  } finally {
    await rm(folder, {recursive: true, force: true})
  }
}

/** On stdout, which is for nothing else then. */
export async function printCopy(notebook: Notebook): Promise<void> {
  await pipeline(Readable.from(notebookChunks(notebook)), process.stdout, {end: false})
}

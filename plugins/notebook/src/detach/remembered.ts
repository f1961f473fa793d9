import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {writeAtomic} from '@cgpu/plugin-sdk'
import {z} from 'zod'

const schema = z.object({
  output: z.string(),
  job: z.string().optional(),
  fetch: z.array(z.string()).default([]),
  request: z.object({id: z.string(), notebook: z.string(), output: z.string(), detached: z.literal(true), parameters: z.record(z.string(), z.unknown())}).optional(),
  cells: z.array(z.object({id: z.string(), index: z.int().nonnegative(), source: z.string(), tags: z.array(z.string())})).default([]),
})

/** What this computer knows of a detached run that was started here. */
export interface Remembered {
  /** absolute path of the copy, or its address */
  output: string
  /** the id of its job, once that is known */
  job?: string | undefined
  /** patterns of what its end brings here beside the copy */
  fetch: string[]
  /** as plugins were asked about it */
  request?: {id: string; notebook: string; output: string; detached: true; parameters: Record<string, unknown>} | undefined
  /** those that run, in their order */
  cells: {id: string; index: number; source: string; tags: string[]}[]
}

const fileIn = (folder: string): string => join(folder, 'run.json')

/** Where cgpu keeps what it knows of detached runs. */
export const rememberedIn = (dataDir: string): string => join(dataDir, 'notebooks', 'detached')

export async function remember(folder: string, about: Remembered): Promise<void> {
  await writeAtomic(fileIn(folder), `${JSON.stringify(about)}\n`, {mode: 0o600})
}

/** Undefined of a run that was started elsewhere, or long ago. */
export async function remembered(folder: string): Promise<Remembered | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(fileIn(folder), 'utf8')))
  } catch {
    return undefined
  }
}

/** The folder of the run of a job; undefined: it is no notebook's, or not from here. */
export async function folderOfJob(job: string, dataDir: string): Promise<string | undefined> {
  const root = rememberedIn(dataDir)
  for (const name of await readdir(root).catch(() => [])) {
    const folder = join(root, name)
    if ((await remembered(folder))?.job === job) return folder
  }
  return undefined
}

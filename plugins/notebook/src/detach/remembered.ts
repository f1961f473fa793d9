import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {writeAtomic} from '@cgpu/plugin-sdk'
import {z} from 'zod'

const schema = z.object({output: z.string()})

/** What this computer knows of a detached run that was started here. */
export interface Remembered {
  /** absolute path of the copy */
  output: string
}

const fileIn = (folder: string): string => join(folder, 'run.json')

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

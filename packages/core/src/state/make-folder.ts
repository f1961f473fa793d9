import {mkdir} from 'node:fs/promises'
import {dirname} from 'node:path'
import {errnoOf} from './write-error.ts'

/** Makes a folder, and what is missing above it, for its owner only. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, {recursive: true, mode: 0o700})
  } catch (error) {
    // what Node says of a read-only disk, too: one folder at a time tells the cause
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeOne(path)
  }
}

async function makeOne(path: string): Promise<void> {
  await mkdir(path, {mode: 0o700}).catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeOne(dirname(path))
    await mkdir(path, {mode: 0o700})
  })
}

import {rename, writeFile} from 'node:fs/promises'
import {cannotWrite} from '@cgpu/core/state/write-error'

/**
 * Replaces a file (0600) in one step. It is not forced to the disk, which would take longer than starting: what it tells of ends with this
 * process.
 */
export async function writePrivate(path: string, text: string): Promise<void> {
  const temp = `${path}.${process.pid}.tmp`
  try {
    await writeFile(temp, text, {mode: 0o600, flag: 'wx'})
    await rename(temp, path)
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

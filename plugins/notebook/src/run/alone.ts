import {createHash} from 'node:crypto'
import {realpath} from 'node:fs/promises'
import {basename, dirname, join, resolve} from 'node:path'
import {CgpuError, errors, withLock} from '@cgpu/plugin-sdk'
import {isAddress, shownPlace} from '../addresses/address.ts'

/** long enough for a run that is just ending */
const patienceMs = 300

/** The file itself, whatever leads to it. */
export const placeOf = async (path: string): Promise<string> => realpath(path).catch(async () => join(await realpath(dirname(path)).catch(() => resolve(dirname(path))), basename(path)))

/** Where cgpu keeps what it knows of a copy, on this computer: a path to add an ending to. */
export const stateOf = async (output: string, dataDir: string): Promise<string> => join(dataDir, 'notebooks', createHash('sha256').update(isAddress(output) ? output : await placeOf(output)).digest('hex').slice(0, 32))

/** Lets one run at a time write this copy, on this computer: two would take turns at it. `dataDir` is cgpu's. Throws NOTEBOOK_BUSY (72). */
export async function alone<T>(output: string, dataDir: string, work: () => Promise<T>): Promise<T> {
  const lock = `${await stateOf(output, dataDir)}.lock`
  let begun = false
  try {
    return await withLock(lock, () => {
      begun = true
      return work()
    }, {timeoutMs: patienceMs})
  } catch (error) {
    if (begun || !(error instanceof CgpuError) || error.code !== 'LOCK_TIMEOUT') throw error
    throw errors.conflict(`another run is writing ${shownPlace(output)}`, {code: 'NOTEBOOK_BUSY', category: 'file', retryable: true, fix: 'wait until it is over, or give this one another file with -o'})
  }
}

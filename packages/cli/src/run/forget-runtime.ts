import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {ReleasedRuntime} from '@cgpu/core/runtime/service'

/** Errors that say nothing of a machine: nothing is forgotten for them. */
export const ownTrouble: readonly string[] = ['VETOED', 'INTERRUPTED', 'CLOSED', 'LOCK_TIMEOUT', 'CANNOT_WRITE']

/** A machine that this shell cannot ask about, and why. */
export interface Unreachable {
  record: RuntimeRecord
  why: string
}

/** The runtimes of these names: those that can be asked here, and those of an emulator, or of Google, that this shell does not work with. Throws as `select`. */
export async function namedAnywhere({runtimes, realms}: Cgpu, names: readonly string[]): Promise<{here: RuntimeRecord[]; elsewhere: Unreachable[]}> {
  const found = {here: [] as RuntimeRecord[], elsewhere: [] as Unreachable[]}
  for (const name of names) {
    try {
      found.here.push(await runtimes.select(name))
    } catch (error) {
      if (!isCode(error, 'NOT_FOUND')) throw error
      const {record, realm} = await runtimes.selectElsewhere(name).catch((other: unknown) => {
        throw isCode(other, 'NOT_FOUND') ? error : other // what there is here is what it may have been meant for
      })
      found.elsewhere.push({record, why: `${record.name} is ${at(realm)}, and this shell works ${at(realms.here)}`})
    }
  }
  return found
}

/** Forgets them and says what may still be. */
export async function forgetRuntimes(cgpu: Cgpu, unreachable: readonly Unreachable[], {warn, onForgotten}: {warn: (message: string) => void; onForgotten: (one: ReleasedRuntime) => Promise<void>}): Promise<void> {
  for (const {record, why} of unreachable) {
    const forgotten = await cgpu.runtimes.forget(record)
    warn(`${why}; it is only forgotten here: where it still runs it goes on${record.hourlyRate === undefined ? '' : ', and costs'}, with its jobs`)
    await onForgotten(forgotten)
  }
}

const at = (realm: string | null): string => (realm === null ? 'at Google' : `at ${realm}`)

function isCode(error: unknown, code: string): error is CgpuError {
  return error instanceof CgpuError && error.code === code
}

import {type CgpuError, errors} from '../errors.ts'
import type {JobRecord} from './record.ts'

/** Where accounts are: at Google (null), or at an emulator, by its origin. A process sees the runtimes of one realm only. */
export interface Realms {
  here: string | null
  /** of a runtime, whichever realm it is of; undefined: it is not remembered */
  of: (runtimeId: string) => Promise<string | null | undefined>
  /** whether this provider's runtimes are an account's */
  matters: (provider: string) => boolean
}

/** The realm of a job; undefined: it is of all. Older records do not say: theirs is that of their runtime, else the usual one. */
export async function realmOfJob({realm, runtime}: Pick<JobRecord, 'realm' | 'runtime'>, realms: Realms): Promise<string | null | undefined> {
  if (realm !== undefined) return realm
  if (!realms.matters(runtime.provider)) return undefined
  return (await realms.of(runtime.id)) ?? null
}

/** Nothing is known here of a job of another realm: least of all that its machine is gone. */
export async function isHere(record: Pick<JobRecord, 'realm' | 'runtime'>, realms: Realms): Promise<boolean> {
  const realm = await realmOfJob(record, realms)
  return realm === undefined || realm === realms.here
}

export async function elsewhere(record: JobRecord, realms: Realms): Promise<CgpuError> {
  const {id, runtime} = record
  const realm = await realmOfJob(record, realms)
  const where = realm === null ? 'at Google' : `at ${realm}`
  return errors.conflict(`the job ${id} is on ${runtime.name} ${where}, and this shell works ${realms.here === null ? 'at Google' : `at ${realms.here}`}`, {
    code: 'JOB_ELSEWHERE', fix: realm === null ? 'unset CGPU_COLAB_EMULATOR, and CGPU_COLAB_URL' : `set CGPU_COLAB_EMULATOR=${realm}; where that is no more: cgpu job rm ${id} --force`, details: {id, realm},
  })
}

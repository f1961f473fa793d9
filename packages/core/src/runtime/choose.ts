import {CgpuError, errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {matchPrefix} from '../text/names.ts'
import type {RuntimeRecord} from './record.ts'

/**
 * The runtime that is meant: the one named, else the default (`usual`), else the only one. Undefined when nothing was
 * named and the choice is not clear. Throws NOT_FOUND (66), AMBIGUOUS (64).
 */
export function chooseRuntime(records: readonly RuntimeRecord[], query: string | undefined, usual: string | undefined): RuntimeRecord | undefined {
  if (query !== undefined) return matchPrefix(query, records, 'runtime')
  // the runtime that a setting names is meant, also when another is the only one left
  if (usual !== undefined) return defaultRuntime(records, usual)
  const free = records.filter(mayBePicked)
  return free.length === 1 ? free[0] : undefined
}

/** What belongs to another command's run, or to a browser tab, is not taken by chance. */
const mayBePicked = (record: RuntimeRecord): boolean => !record.ephemeral && record.origin !== 'foreign'

/** As matchPrefix, but whoever typed no name is told where it comes from. */
function defaultRuntime(records: readonly RuntimeRecord[], usual: string): RuntimeRecord {
  try {
    return matchPrefix(usual, records, 'runtime')
  } catch (error) {
    if (!(error instanceof CgpuError) || error.code !== 'NOT_FOUND') throw error
    throw errors.notFound(`the default runtime "${sanitizeLine(usual, 60)}" is not there any more`, {
      code: 'NOT_FOUND', fix: 'cgpu runtime use --none forgets the choice of this folder; cgpu config list --origin shows others', details: {query: usual},
    })
  }
}

/** Throws NO_RUNTIME (66) when there is none, else RUNTIME_REQUIRED (64). */
export function refuseToGuess(records: readonly RuntimeRecord[]): never {
  const names = records.filter(mayBePicked).map((one) => one.name)
  if (names.length === 0) throw errors.notFound('there is no runtime yet', {code: 'NO_RUNTIME', fix: 'cgpu runtime create'})
  throw errors.usage(`which runtime? There are ${names.length}: ${names.join(', ')}`, {
    code: 'RUNTIME_REQUIRED', fix: `add --runtime ${names[0] ?? 'NAME'}, or set a default: cgpu runtime use ${names[0] ?? 'NAME'}`,
  })
}

/** A runtime that its provider no longer has. */
export function gone(record: Pick<RuntimeRecord, 'name'>): CgpuError {
  return errors.notFound(`${record.name} is gone`, {code: 'RUNTIME_GONE', fix: 'cgpu runtime create'})
}

/** A runtime that went while work ran on it. */
export function reclaimed(record: Pick<RuntimeRecord, 'name'>): CgpuError {
  return errors.lost(`${record.name} was taken away while work ran on it`, {
    code: 'RUNTIME_RECLAIMED',
    fix: 'its files and variables are gone; run it again, which makes another runtime. Cloud machines end when idle for long, at their greatest age, and when units are used up',
  })
}

/** A runtime whose server does not answer. */
export function unreachable(record: Pick<RuntimeRecord, 'name'>): CgpuError {
  return errors.network(`${record.name} does not answer`, {
    code: 'RUNTIME_UNREACHABLE', category: 'runtime', retryable: true,
    fix: `check that its server is up, or give it up: cgpu runtime release ${record.name}`,
  })
}

import {createHash} from 'node:crypto'
import {type CodeCell, isRecord, type Metadata, type Notebook} from '../format/model.ts'

/**
 * What the executed copy keeps of a run, under `cgpu` in the metadata of a cell: `hash` of the source that ran, how it ended, and in a kernel
 * that is kept also which and as its how manieth execution. `begun`: it was running when this was written.
 */
export interface CellRecord {
  hash: string
  status: 'begun' | 'ok' | 'allowed' | 'error' | 'interrupted' | 'lost'
  kernel?: string
  count?: number
}

/** The same of the notebook, under `cgpu.kernel`, for a kernel that is kept: its `id`, its count of executions, and names whose state in it is not that of the copy (`*`: any). */
export interface KernelRecord {
  id: string
  count: number
  pending: string[]
}

const key = 'cgpu'
const statuses: readonly string[] = ['begun', 'ok', 'allowed', 'error', 'interrupted', 'lost'] satisfies CellRecord['status'][]

/** Cheap, and the same on every computer: 16 hex digits of SHA-256. */
export const hashOf = (source: string): string => createHash('sha256').update(source).digest('hex').slice(0, 16)

/** Undefined: none, or of another form. */
export function recordOf({metadata}: {metadata: Metadata}): CellRecord | undefined {
  const record = metadata[key]
  if (!isRecord(record)) return undefined
  const {hash, status, kernel, count} = record
  if (typeof hash !== 'string' || typeof status !== 'string' || !statuses.includes(status)) return undefined
  return {hash, status: status as CellRecord['status'], ...(typeof kernel === 'string' ? {kernel} : {}), ...(typeof count === 'number' ? {count} : {})} // one of the list
}

export function kernelRecordOf({metadata}: {metadata: Metadata}): KernelRecord | undefined {
  const noted = metadata[key]
  const record = isRecord(noted) ? noted['kernel'] : undefined
  if (!isRecord(record)) return undefined
  const {id, count, pending} = record
  if (typeof id !== 'string' || typeof count !== 'number' || !Array.isArray(pending)) return undefined
  return {id, count, pending: pending.filter((one) => typeof one === 'string')}
}

export const isFinished = (record: CellRecord | undefined): boolean => record?.status === 'ok' || record?.status === 'allowed'

/** Beside what else is noted there. */
export function keepKernel({metadata}: Notebook, kernel: KernelRecord | undefined): void {
  const noted = metadata[key]
  const {kernel: _, ...rest} = isRecord(noted) ? noted : {}
  if (kernel) metadata[key] = {...rest, kernel}
  else if (Object.keys(rest).length > 0) metadata[key] = rest
  else delete metadata[key]
}

/** Writes what happens into the notebook, while it runs. */
export class RunRecord {
  readonly #kernel: KernelRecord | undefined

  /** `kernel`: one that is kept, and what the run will leave uncertain in it until it is over */
  constructor(notebook: Notebook, kernel?: KernelRecord) {
    this.#kernel = kernel
    keepKernel(notebook, kernel)
  }

  /** The cells that are about to run have not: until then an earlier record says nothing. */
  due(cells: readonly CodeCell[]): void {
    for (const cell of cells) delete cell.metadata[key]
  }

  begin(cell: CodeCell): void {
    this.#put(cell, {hash: hashOf(cell.source), status: 'begun', ...(this.#kernel ? {kernel: this.#kernel.id} : {})})
  }

  /** The kernel says which of its executions this is. */
  counted(cell: CodeCell, count: number): void {
    const record = recordOf(cell)
    if (!this.#kernel || !record) return
    this.#kernel.count = Math.max(this.#kernel.count, count)
    this.#put(cell, {...record, count})
  }

  end(cell: CodeCell, status: Exclude<CellRecord['status'], 'begun'>): void {
    const record = recordOf(cell)
    if (record) this.#put(cell, {...record, status})
  }

  /** An error that ended nothing. */
  allow(cell: CodeCell): void {
    if (recordOf(cell)?.status === 'error') this.end(cell, 'allowed')
  }

  /** All of it ran: the kernel holds what the copy says, but for these names. */
  whole(pending: string[]): void {
    if (this.#kernel) this.#kernel.pending = pending
  }

  #put(cell: CodeCell, record: CellRecord): void {
    cell.metadata[key] = record
  }
}

import type {JupyterServer} from '@cgpu/jupyter'
import {CgpuError} from '../errors.ts'
import {isOfOther, isSelf, livesHere, markSelf, type ProcessMark} from '../state/self.ts'
import type {RuntimeRecord} from './record.ts'
import type {RecordStore} from './store.ts'

/** A server that does not answer soon is asked by a later command. */
const askMs = 3_000

/**
 * Kernels that were started for one execution, written down with the process that will end them: should it be killed, the next command
 * that worked on the machine ends them, once what they run is over.
 */
export class OwnKernels {
  readonly #record: RuntimeRecord
  readonly #store: RecordStore
  /** those of this process */
  readonly #mine = new Set<string>()

  constructor(record: RuntimeRecord, store: RecordStore) {
    this.#record = record
    this.#store = store
  }

  async note(id: string): Promise<void> {
    this.#mine.add(id)
    const owner = markSelf()
    await this.#change((all) => ({...all, [id]: owner}))
  }

  /** It was ended, or is somebody else's now. */
  async forget(id: string): Promise<void> {
    if (this.#mine.delete(id) || this.#record.ownKernels?.[id]) await this.#drop(id)
  }

  /** Ends those of processes that were killed. Those that are busy are left to a later command: what they run was left running. */
  async endLeft(server: () => Promise<JupyterServer>): Promise<void> {
    if (!Object.values(this.#record.ownKernels ?? {}).some(isLeft)) return
    const now = (await this.#store.get(this.#record.id))?.ownKernels ?? {}
    for (const [id, owner] of Object.entries(now)) {
      if (!isLeft(owner)) continue
      const there = await (await server()).getKernel(id, {signal: AbortSignal.timeout(askMs)})
      if (there?.execution_state === 'busy') continue
      if (there) await (await server()).shutdownKernel(id)
      await this.#drop(id)
    }
  }

  #drop(id: string): Promise<void> {
    return this.#change((all) => {
      const {[id]: _, ...others} = all
      return others
    })
  }

  async #change(change: (all: Record<string, ProcessMark>) => Record<string, ProcessMark>): Promise<void> {
    await this.#store.update(this.#record.id, ({ownKernels = {}, ...old}) => {
      const all = change(ownKernels)
      return {...old, ...(Object.keys(all).length > 0 ? {ownKernels: all} : {})}
    }).catch((error: unknown) => {
      // it was released, or nothing can be written here: the kernel works all the same
      if (!(error instanceof CgpuError)) throw error
    })
  }
}

/** Nobody is there to end its kernel. Of another machine with the same home nobody sees that. */
const isLeft = (owner: ProcessMark): boolean => !isSelf(owner) && !isOfOther(owner) && !livesHere(owner)

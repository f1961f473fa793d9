import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {CgpuError, withLock, writeAtomic} from '@cgpu/plugin-sdk'
import {z} from 'zod'

const schema = z.object({events: z.int().nonnegative(), ended: z.boolean()})

/** longer than a hook may take */
const patienceMs = 120_000

/** What plugins were told of a run by whoever followed it, on this computer: each thing once, in order, also by several at once. */
export class Told {
  readonly #path: string
  #state: z.infer<typeof schema> | undefined

  /** `folder`: of the run */
  constructor(folder: string) {
    this.#path = join(folder, 'told.json')
  }

  /** Tells the event of that number, from 0, unless that or a later one was told. It counts as told when that begins: a client that is killed meanwhile repeats nothing. */
  async event(number: number, tell: () => Promise<void>): Promise<void> {
    if (this.#state && number < this.#state.events) return
    await this.#once(({events, ended}) => (number < events || ended ? undefined : {events: number + 1, ended}), tell)
  }

  async end(tell: () => Promise<void>): Promise<void> {
    await this.#once(({events, ended}) => (ended ? undefined : {events, ended: true}), tell)
  }

  async #once(next: (state: z.infer<typeof schema>) => z.infer<typeof schema> | undefined, tell: () => Promise<void>): Promise<void> {
    try {
      await withLock(`${this.#path}.lock`, async () => {
        this.#state = await this.#read()
        const state = next(this.#state)
        if (!state) return
        await writeAtomic(this.#path, JSON.stringify(state), {mode: 0o600})
        this.#state = state
        await tell()
      }, {timeoutMs: patienceMs})
    } catch (error) {
      // whoever holds it so long tells the rest
      if (!(error instanceof CgpuError) || error.code !== 'LOCK_TIMEOUT') throw error
    }
  }

  async #read(): Promise<z.infer<typeof schema>> {
    try {
      return schema.parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch {
      return {events: 0, ended: false}
    }
  }
}

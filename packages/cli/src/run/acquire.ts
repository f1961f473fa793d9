import type {Cgpu} from '@cgpu/core/cgpu'
import type {EventListener, ExecutionEvent} from '@cgpu/core/execution/events'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {releasedLine} from '../render/released.ts'
import {makeOptionsOf, requestOf, type RuntimeWish, runtimeWish} from '../runtime-request.ts'

/** Where a run will be: on a runtime that is there, or on one that has to be made as wished. */
export interface ChosenRuntime {
  there: RuntimeRecord | undefined
  wish: RuntimeWish
}

/** A runtime for one run. */
export interface HeldRuntime {
  record: RuntimeRecord
  /** true when `done` releases it */
  releases: boolean
  /** of what was made for this run, where the rate is known */
  costSoFar: () => Extract<ExecutionEvent, {type: 'cost'}> | undefined
  /** Releases what was made for this run; keeps it when asked to. Idempotent. */
  done: (say: (line: string) => void, options?: {takenAway?: boolean}) => Promise<void>
  /** The job goes on without this command: `done` leaves its runtime alone from now on. */
  handOver: () => Promise<void>
}

export interface AcquireOptions {
  keep: boolean
  signal: AbortSignal
  onEvent: EventListener
}

/** The runtime named, or one that is there and suits. Nothing is made yet. */
export async function chooseRuntime(cgpu: Cgpu, name: string | undefined): Promise<ChosenRuntime> {
  const wish = runtimeWish(cgpu)
  return {wish, there: await cgpu.runtimes.reusable(name, wish.accelerators, wish.wanted)}
}

/** Another machine like the one that was taken away. */
export function anotherOf({there, wish}: ChosenRuntime): ChosenRuntime {
  if (!there) return {there, wish}
  const {provider, requested} = there
  return {there: undefined, wish: {...wish, provider, spec: {...wish.spec, accelerator: requested}, others: [], accelerators: [requested]}}
}

/** The runtime that was chosen; else one made for this run and released after it. */
export async function acquireRuntime(cgpu: Cgpu, {there, wish}: ChosenRuntime, options: AcquireOptions): Promise<HeldRuntime> {
  const none = (): undefined => undefined
  const nothing = async (): Promise<void> => undefined
  if (there) return {record: there, releases: false, costSoFar: none, done: nothing, handOver: nothing}

  const made = await cgpu.runtimes.create(
    {...requestOf(wish), ephemeral: !options.keep},
    {...makeOptionsOf(wish), signal: options.signal, onProgress: (event) => void options.onEvent({type: 'progress', ...event})},
  )
  const record = await cgpu.runtimes.select(made.id)
  if (options.keep) return {record, releases: false, costSoFar: none, done: async (say) => say(`kept ${record.name}; release it: cgpu runtime release ${record.name}`), handOver: nothing}
  const release: HeldRuntime['done'] = async (say, {takenAway = false} = {}) => {
    // the session forgets a machine that was taken away; it is released all the same, should that have been a mistake
    const gone = takenAway || !(await cgpu.runtimes.remembered()).some(({id}) => id === record.id)
    const [released] = await cgpu.runtimes.release([record], {takenAway})
    if (released) say(releasedLine(released, {gone}))
  }
  let releasing: Promise<void> | undefined
  return {
    record,
    releases: true,
    costSoFar: () => {
      const durationSeconds = Math.max(0, (Date.now() - Date.parse(record.createdAt)) / 1000)
      if (record.hourlyRate === undefined) return undefined
      return {type: 'cost', amount: Number(((record.hourlyRate * durationSeconds) / 3600).toFixed(4)), unit: 'compute units', durationSeconds}
    },
    done: (say, more) => (releasing ??= release(say, more)),
    handOver: async () => {
      await cgpu.runtimes.keep(record)
      releasing = Promise.resolve()
    },
  }
}

import {readdirSync, readFileSync, readlinkSync} from 'node:fs'
import {setTimeout as delay} from 'node:timers/promises'
import {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {CgpuError} from '@cgpu/core/errors'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {Dice} from './dice.ts'
import {openPlaces, type Place, type Places} from './places.ts'
import {again, byCli, difference, inProcess, type Kind, kinds, makeTask, NotBegun, type Task} from './work.ts'

export interface SoakOptions {
  count: number
  seed: number
  /** nothing new is begun after so long */
  minutes?: number
  /** in-process sessions; default 6, which are two for each place. One more works through the built CLI */
  sessions?: number
  onProgress?: (line: string) => void
}

export interface Tally {
  place: string
  kind: Kind
  done: number
  right: number
}

export interface SoakResult {
  seed: number
  done: number
  right: number
  /** right / done */
  rate: number
  seconds: number
  /** how often one was tried again, as nothing could be reached when it was to begin (69) */
  again: number
  tallies: Tally[]
  faults: Record<string, number>
  /** of single executions, in sentences */
  failures: string[]
  /** what was left behind, in sentences */
  leaks: string[]
}

const taskMs = 90_000
const heartbeatMs = 500

/** Many executions while links, servers and clients misbehave, all by the seed; what came of each is checked. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const before = descriptors()
  const places = await openPlaces()
  const run = new Soak(places, before, options)
  let removed: Error | undefined
  try {
    await run.work()
    await run.check()
  } finally {
    // fails when processes are left
    removed = await places.bench.remove().then(() => undefined, (error: Error) => error)
  }
  if (removed) run.result.leaks.push(removed.message)
  return run.finish()
}

class Soak {
  readonly result: SoakResult
  readonly #places: Places
  readonly #options: SoakOptions
  readonly #tasks: {task: Task; place: Place}[] = []
  readonly #began = performance.now()
  readonly #quiet = new AbortController()
  /** what was open before there was a place */
  readonly #before: string[]
  #left: number

  constructor(places: Places, before: string[], options: SoakOptions) {
    this.#places = places
    this.#options = options
    this.#left = options.count
    this.#before = before
    this.result = {seed: options.seed, done: 0, right: 0, rate: 0, seconds: 0, again: 0, tallies: [], faults: {}, failures: [], leaks: []}
  }

  async work(): Promise<void> {
    const {sessions = 6, onProgress} = this.#options
    const timer = setInterval(() => onProgress?.(this.#progress()), 5000)
    const injecting = this.#places.all.map((place, i) => this.#inject(place, new Dice(this.#options.seed * 1000 + i)))
    try {
      const {all} = this.#places
      await Promise.all([
        ...Array.from({length: sessions}, (_, i) => this.#inProcess(placeAt(all, i), i)),
        this.#byCli(sessions),
      ])
    } finally {
      this.#quiet.abort()
      clearInterval(timer)
      await Promise.all(injecting)
    }
  }

  #progress(): string {
    const {done, right, faults} = this.result
    const injected = Object.values(faults).reduce((sum, one) => sum + one, 0)
    return `${done} of ${this.#options.count} done, ${done - right} wrong, ${injected} faults, ${Math.round(this.#seconds())} s`
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  #take(): number | undefined {
    if (this.#left === 0 || this.#seconds() > (this.#options.minutes ?? Infinity) * 60) return undefined
    return this.#options.count - this.#left--
  }

  async #inProcess(place: Place, worker: number): Promise<void> {
    const dice = new Dice(this.#options.seed * 100 + worker)
    let session: RuntimeSession | undefined
    for (let number = this.#take(); number !== undefined; number = this.#take()) {
      const task = this.#task(number, dice.pick(['exec', 'job'] as const), place, dice)
      const right = await this.#judge(task, place, async () => inProcess(task, (session ??= await this.#session(place))))
      if (right) continue
      await session?.close()
      session = undefined
    }
    await session?.close()
  }

  async #byCli(worker: number): Promise<void> {
    const dice = new Dice(this.#options.seed * 100 + worker)
    for (let number = this.#take(); number !== undefined; number = this.#take()) {
      const place = dice.pick(this.#places.all)
      const task = this.#task(number, dice.pick(kinds.filter((kind) => kind.startsWith('cgpu'))), place, dice)
      await this.#judge(task, place, () => byCli(task, this.#places.bench.home, place.name, place.python))
    }
  }

  #task(number: number, kind: Kind, place: Place, dice: Dice): Task {
    const task = makeTask(`soak-${this.#options.seed}-${number}`, kind, place.marks, dice)
    this.#tasks.push({task, place})
    return task
  }

  async #session(place: Place): Promise<RuntimeSession> {
    const {home} = this.#places.bench
    const dirs = resolveDirs(home.env)
    const cgpu = await Cgpu.open({
      dirs, env: home.env, cwd: home.cwd,
      accounts: async (settings) => (await import('@cgpu/accounts')).openAccounts({dirs, env: home.env, settings}),
      providers: [
        {id: 'local', source: 'soak', load: async () => (await import('@cgpu/provider-local')).createProvider},
        {id: 'jupyter', source: 'soak', load: async () => (await import('@cgpu/provider-jupyter')).createProvider},
        {id: 'colab', source: 'soak', needsAccount: true, load: async () => (await import('@cgpu/provider-colab')).createProvider},
      ],
    })
    return cgpu.connect(await cgpu.runtimes.select(place.name), {heartbeatMs}).catch((error: unknown) => {
      throw error instanceof CgpuError && error.category === 'network' ? new NotBegun(error.message) : error
    })
  }

  /** Whether it came out as it must. */
  async #judge(task: Task, place: Place, work: () => ReturnType<typeof inProcess>): Promise<boolean> {
    const late = new AbortController()
    let wrong: string | undefined
    try {
      const seen = await Promise.race([again(work, (why) => this.#again(task, place, why)), delay(taskMs, undefined, {signal: late.signal}).then(() => undefined)])
      if (!seen) wrong = `did not end within ${taskMs / 1000} s`
      else if (difference(task, seen.output) !== undefined) wrong = `its output is another one: ${difference(task, seen.output)}; status ${seen.exitStatus}, ${seen.said}`
      else if (seen.exitStatus !== task.exitStatus) wrong = `ended with ${seen.exitStatus} instead of ${task.exitStatus}; ${seen.said}`
    } catch (error) {
      wrong = `failed: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
    } finally {
      late.abort()
    }
    const tally = this.#tally(place, task.kind)
    tally.done++
    this.result.done++
    if (wrong === undefined) {
      tally.right++
      this.result.right++
      return true
    }
    this.#failed(task, place, wrong)
    return false
  }

  #again({id, kind}: Task, place: Place, why: Error): void {
    this.result.again++
    this.#options.onProgress?.(`${id}, ${kind} on ${place.name}, ${Math.round(this.#seconds())} s: begun again: ${why.message.trim().slice(0, 300)}`)
  }

  #failed({id, kind}: Task, place: Place, wrong: string): void {
    const line = `${id}, ${kind} on ${place.name}, ${Math.round(this.#seconds())} s: ${wrong.slice(0, 1000)}`
    this.result.failures.push(line)
    this.#options.onProgress?.(line)
  }

  #tally(place: Place, kind: Kind): Tally {
    const found = this.result.tallies.find((one) => one.place === place.name && one.kind === kind)
    if (found) return found
    const tally = {place: place.name, kind, done: 0, right: 0}
    this.result.tallies.push(tally)
    return tally
  }

  /** Faults of one place, one after the other, until all work is done. */
  async #inject(place: Place, dice: Dice): Promise<void> {
    const {signal} = this.#quiet
    for (;;) {
      await delay(dice.whole(200, 2500), undefined, {signal}).catch(() => undefined)
      if (signal.aborted) return
      const name = dice.pick(Object.keys(place.faults))
      const label = `${place.name}: ${name}`
      this.result.faults[label] = (this.result.faults[label] ?? 0) + 1
      await place.faults[name]?.(dice)
    }
  }

  /** Every execution happened once, and nothing of it is left here. */
  async check(): Promise<void> {
    for (const place of this.#places.all) {
      const times = new Map<string, number>()
      for (const id of await place.marked()) times.set(id, (times.get(id) ?? 0) + 1)
      for (const {task} of this.#tasks.filter((one) => one.place === place)) {
        const count = times.get(task.id) ?? 0
        if (count === 1) continue
        this.#failed(task, place, `ran ${count} times`)
        // one that was wrong before is not wrong twice
        if (!this.result.failures.slice(0, -1).some((line) => line.startsWith(`${task.id},`))) this.result.right--
      }
    }
    for (const place of this.#places.all) await place.calm()
  }

  async finish(): Promise<SoakResult> {
    const {bench} = this.#places
    if (bench.machines().length > 0) this.result.leaks.push(`machines are left: ${bench.machines().join()}`)
    const left = (): string[] => descriptors().filter((one) => !this.#before.includes(one))
    if (!(await settled(() => left().length === 0))) this.result.leaks.push(`descriptors are left: ${left().join('; ')}`)
    const {done, right} = this.result
    return Object.assign(this.result, {seconds: Math.round(this.#seconds()), rate: done === 0 ? 0 : right / done})
  }
}

function placeAt(all: readonly Place[], i: number): Place {
  const place = all[i % all.length]
  if (!place) throw new Error('no places')
  return place
}

/** What this process has open, as Linux tells: sockets of IPv4 with both ends in hex and their state. */
function descriptors(): string[] {
  try {
    const ends = new Map(readFileSync('/proc/self/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/)).map((fields) => [fields[9], `${fields[1]} ${fields[2]} state ${fields[3]}`]))
    for (const line of readFileSync('/proc/self/net/unix', 'utf8').split('\n')) ends.set(line.trim().split(/\s+/)[6], 'unix')
    return readdirSync('/proc/self/fd').map((fd) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`)
        return `${target} ${ends.get(/^socket:\[(\d+)\]$/.exec(target)?.[1]) ?? ''}`
      } catch {
        return '' // that of the look itself
      }
    }).filter(Boolean)
  } catch {
    return []
  }
}

/** Whether it becomes true; sockets take a moment to go. */
async function settled(condition: () => boolean): Promise<boolean> {
  const deadline = performance.now() + 30_000
  while (!condition()) {
    if (performance.now() > deadline) return false
    await delay(50)
  }
  return true
}

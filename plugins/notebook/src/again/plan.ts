import {builtins} from './builtins.ts'
import type {Names} from './names.ts'
import {all, Writers} from './writers.ts'

export type Mode = 'changed' | 'failed' | 'resume'

/** How the executed copy has a cell. */
export interface Former {
  /** where it stood, among the copy's cells */
  position: number
  names: Names
  state: 'finished' | 'failed' | 'unfinished'
  /** the kept kernel ran it */
  inKernel: boolean
  /** as which of its executions */
  count: number | undefined
}

export interface PlanCell {
  names: Names
  /** absent: the copy has no result of it */
  former?: Former
  /** what it is differs from what ran */
  changed: boolean
}

export interface PlanInput {
  mode: Mode
  /** those that a run executes, in order */
  cells: readonly PlanCell[]
  /** what the copy has and the notebook has not, or elsewhere */
  gone: readonly Former[]
  /** names whose state in the kept kernel is not that of the copy; where it is `*`, a fresh one is to be taken */
  pending: readonly string[]
  kernel: 'kept' | 'fresh'
}

export interface Plan {
  /** for each cell: to be run or not, and why */
  cells: {run: boolean; why: string}[]
  /** names that the kept kernel has from a cell that is gone: only a fresh one is without them */
  leftover: string[]
  /** what the cell to begin with needs, and may have changed itself in the kept kernel before it failed: to be said, it is not undone */
  halfDone: string[]
  /** what is uncertain in the kernel until all of it has run; `*`: everything */
  pending: string[]
  /** what is uncertain when all of it has run: what cells set that are gone, or were others */
  after: string[]
}

/**
 * Which cells are to be run so that the results are those of a run of them all, as far as the names of the notebook tell. A pure function.
 *
 * What has no result, or another one than its content would give, runs; so does what depends on it. What those need has to be in the kernel as it
 * was at their place: in a fresh one it is made anew; in a kept one where a cell that ran at or behind that place, or is gone, wrote it.
 */
export function plan(input: PlanInput): Plan {
  return new Planning(input).plan()
}

const wrote = ({writes, opaque}: Names, name: string): boolean => opaque || (name === all ? writes.size > 0 : writes.has(name))
const uses = ({uses: used, opaque}: Names, name: string): boolean => opaque || used.has(name)

class Planning {
  readonly #in: PlanInput
  readonly #due = new Map<number, string>()
  /** of those that are due: whose result, or place in the order, changes what others have */
  readonly #affecting = new Set<number>()
  readonly #queue: number[] = []
  /** by name: what the kept kernel has of it */
  readonly #inKernel = new Map<string, {wrong: boolean; last: number; begun: boolean}>()
  /** how many of the cells that write a name were looked at */
  readonly #looked = new Map<string, number>()
  readonly #leftover = new Set<string>()
  /** what the cell that failed may have changed and needs itself */
  readonly #halfDone = new Set<string>()
  /** with --from-failed and --resume: everything from here on */
  readonly #begin: number
  /** which cells write a name, and which did when they ran */
  readonly #makers: Writers
  readonly #formerly: Writers
  /** names that some cell uses: what others do to the rest is nobody's concern. With a cell that may use any, undefined */
  readonly #used: ReadonlySet<string> | undefined

  constructor(input: PlanInput) {
    this.#in = input
    this.#begin = this.#beginning()
    this.#makers = new Writers(input.cells.map(({names}) => names))
    this.#formerly = new Writers(input.cells.map(({former}) => former?.names))
    const each = input.cells.map(({names}) => names)
    this.#used = each.some((names) => names.opaque) ? undefined : new Set(each.flatMap((names) => [...names.uses]))
  }

  plan(): Plan {
    const {cells, gone} = this.#in
    cells.forEach((_, at) => this.#seed(at))
    this.#spread()
    cells.forEach(({former, changed}, at) => {
      if (former && (changed || former.state !== 'finished')) this.#forwardOld(former, `cell ${at + 1} as it was`)
    })
    for (const one of gone) this.#forwardOld(one, 'a cell that is gone')
    if (this.#in.kernel === 'kept') this.#forwardPending()
    this.#spread()
    return {
      cells: cells.map((_, at) => ({run: this.#due.has(at), why: this.#due.get(at) ?? this.#whySkipped(at)})),
      leftover: [...this.#leftover].sort(), halfDone: [...this.#halfDone].filter((name) => name !== all || this.#halfDone.size === 1).sort(), pending: this.#pending(), after: this.#after(),
    }
  }

  #spread(): void {
    for (let at = this.#queue.shift(); at !== undefined; at = this.#queue.shift()) {
      this.#needs(at)
      if (this.#affecting.has(at)) this.#forward(at)
    }
  }

  #beginning(): number {
    const {mode, cells} = this.#in
    if (mode === 'changed') return cells.length
    const found = cells.findIndex(({former}) => (mode === 'failed' ? former && former.state !== 'finished' : former?.state !== 'finished'))
    return found < 0 ? cells.length : found
  }

  /** Its result will be another one than that of the copy. */
  #changes(at: number): boolean {
    const {changed, former} = this.#in.cells[at] ?? {}
    return at >= this.#begin || changed === true || former?.state !== 'finished'
  }

  #seed(at: number): void {
    const {mode, cells} = this.#in
    const cell = cells[at]
    if (!cell || !this.#changes(at)) return
    const {former, changed} = cell
    this.#add(at, former === undefined ? 'it has not run' : former.state === 'failed' ? 'it failed' : former.state === 'unfinished' ? 'it did not finish' : changed ? 'its content changed'
      : mode === 'failed' ? 'it stands behind the cell that failed' : 'it stands behind where the run ended')
  }

  /** `anew`: only for what others need of it; its result stays what it is. */
  #add(at: number, why: string, {anew = false} = {}): void {
    // in a kept kernel it also undoes what later cells did to the names
    const affects = !anew || this.#in.kernel === 'kept'
    if (this.#due.has(at) && (!affects || this.#affecting.has(at))) return
    this.#due.set(at, why)
    if (affects) this.#affecting.add(at)
    this.#queue.push(at)
  }

  /** What stands behind and uses what it writes; in a kept kernel also what writes it again. */
  #forward(at: number): void {
    const {cells, kernel} = this.#in
    const from = cells[at]?.names
    if (!from) return
    if (this.#affecting.size === cells.length) return
    for (let later = at + 1; later < cells.length; later++) {
      const to = cells[later]?.names
      if (!to || this.#affecting.has(later)) continue
      const shared = common(from, to, kernel === 'kept' ? [...to.uses, ...[...to.writes].filter((name) => this.#isUsed(name))] : [...to.uses])
      if (shared !== undefined) this.#add(later, shared === all ? `it may depend on cell ${at + 1}, which runs` : `it depends on cell ${at + 1}, which runs: ${shared}`)
    }
  }

  #forwardOld({names, position}: Former, who: string): void {
    this.#in.cells.forEach(({names: to, former}, at) => {
      if (this.#affecting.has(at) || (former && former.position <= position)) return
      const shared = common(names, to, [...to.uses])
      if (shared !== undefined) this.#add(at, shared === all ? `it may depend on ${who}` : `it depended on ${who}: ${shared}`)
    })
  }

  #forwardPending(): void {
    const {cells, pending} = this.#in
    cells.forEach(({names}, at) => {
      const name = pending.find((one) => uses(names, one))
      if (name !== undefined) this.#add(at, `what the kernel has of ${name} is uncertain`)
    })
  }

  #needs(at: number): void {
    const {cells, kernel} = this.#in
    const {names} = cells[at] ?? {}
    if (!names) return
    if (names.back) this.#addBefore(at, [...cells.keys()], {key: '_', why: `cell ${at + 1} may need its result`})
    if (names.outside && !names.opaque) this.#addBefore(at, this.#makers.any, {key: '%', why: `cell ${at + 1} may need what it sets`, ...(kernel === 'kept' ? {unless: (one) => cells[one]?.former?.inKernel === true} : {})})
    for (const name of names.opaque ? [all, ...names.uses] : names.uses) {
      if (builtins.has(name) && !this.#isWritten(name)) continue
      const makers = this.#makers.of(name)
      const why = name === all ? `cell ${at + 1} may need what it sets` : `cell ${at + 1} needs ${name}`
      if (kernel === 'fresh') this.#addBefore(at, makers, {key: name, why})
      else if (this.#isWrong(name, at)) {
        if (name !== all && !((makers[0] ?? at) < at)) this.#leftover.add(name)
        this.#addBefore(at, makers, {key: name, why: name === all ? why : `${why} as it was there, and it changed since`})
      } else this.#addBefore(at, makers, {key: `${name} in`, why: `${why}, which is not in the kernel`, unless: (one) => cells[one]?.former?.inKernel === true})
    }
  }

  /** Those of the places that stand before; of one `key` none is looked at twice. */
  #addBefore(at: number, places: readonly number[], {key, why, unless}: {key: string; why: string; unless?: (one: number) => boolean}): void {
    const [from, to] = [this.#looked.get(key) ?? 0, places.findIndex((one) => one >= at)]
    const end = to < 0 ? places.length : to
    for (const one of places.slice(from, end)) if (!unless?.(one)) this.#add(one, why, {anew: true})
    this.#looked.set(key, Math.max(from, end))
  }

  /** The kept kernel has something else under the name than it would have had at that place. */
  #isWrong(name: string, at: number): boolean {
    const known = this.#inKernel.get(name) ?? this.#kernelHas(name)
    this.#inKernel.set(name, known)
    if (known.begun && at === this.#begin) this.#halfDone.add(name)
    return known.wrong || at <= known.last || (known.begun && this.#isHalfDone(name, at))
  }

  /** The cell to begin with leaves it half done, and does not say so by needing it itself. */
  #isHalfDone(name: string, at: number): boolean {
    const {names} = this.#in.cells[this.#begin] ?? {}
    return at < this.#begin || (at > this.#begin && names !== undefined && !names.sure.has(name) && !uses(names, name))
  }

  /** `last`: behind it the name is as it should be. `begun`: the cell to begin with wrote it; where it ended is where to go on, what it did until then is told, and undone by --changed. */
  #kernelHas(name: string): {wrong: boolean; last: number; begun: boolean} {
    const {cells, gone, pending} = this.#in
    let [wrong, last, count, begun] = [pending.includes(name) || gone.some((one) => one.inKernel && wrote(one.names, name)), -1, 0, false]
    for (const position of this.#formerly.of(name)) {
      const {former, changed} = cells[position] ?? {}
      if (!former?.inKernel) continue
      if (position === this.#begin && former.state !== 'finished') {
        begun = true
        continue
      }
      // also where they ran in another order
      wrong ||= changed === true || former.state !== 'finished' || (former.count ?? count) < count
      count = former.count ?? count
      last = position
    }
    return {wrong, last, begun}
  }

  #isWritten(name: string): boolean {
    return this.#makers.has(name) || this.#formerly.has(name) || this.#in.gone.some(({names}) => names.writes.has(name))
  }

  #isUsed(name: string): boolean {
    return this.#used?.has(name) ?? true
  }

  #whySkipped(at: number): string {
    return this.#begin < this.#in.cells.length && at < this.#begin
      ? `it ran before ${this.#in.mode === 'failed' ? `cell ${this.#begin + 1}, which ${this.#in.cells[this.#begin]?.former?.state === 'failed' ? 'failed' : 'did not finish'}` : 'the run ended'}, and is unchanged`
      : 'it is unchanged, and so is what it depends on'
  }

  #pending(): string[] {
    const {cells, gone, pending} = this.#in
    const due = [...this.#due.keys()].flatMap((at) => [cells[at]?.names, cells[at]?.former?.names])
    const every = [...due, ...gone.map(({names}) => names)].filter((one) => one !== undefined)
    if (every.some(({opaque}) => opaque)) return [all]
    return [...new Set([...pending, ...every.flatMap(({writes}) => [...writes])])].sort()
  }

  /** A name is as it should be again when the last cell that writes it ran. */
  #after(): string[] {
    const {cells, gone, pending, kernel} = this.#in
    if (kernel === 'fresh') return []
    const others = cells.flatMap(({former, changed}) => (former && (changed || former.state !== 'finished') ? [former] : []))
    const old = [...gone, ...others].filter(({inKernel}) => inKernel).map(({names}) => names)
    if (old.some(({opaque}) => opaque)) return [all]
    return [...new Set([...pending, ...old.flatMap(({writes}) => [...writes])])].filter((name) => !this.#due.has(this.#makers.last(name) ?? -1)).sort()
  }
}

/** A name that the one writes and the other has among those. */
function common(from: Names, to: Names, wanted: readonly string[]): string | undefined {
  if (to.back) return all
  const found = wanted.find((name) => from.writes.has(name))
  if (found !== undefined) return found
  if (from.opaque && (to.opaque || to.outside || wanted.some((name) => !builtins.has(name)))) return all
  return to.opaque && from.writes.size > 0 ? all : undefined
}

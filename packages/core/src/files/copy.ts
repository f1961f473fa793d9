import {CgpuError, errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {carry} from './carry.ts'
import {filterOf} from './filter.ts'
import {gather, type Named, unreadable} from './gather.ts'
import type {Place} from './landing.ts'
import {clash, type Item, type Plan, planOf} from './plan.ts'
import type {Failure, Seen, Sink} from './side.ts'

/** Where a copy goes. */
export interface Target {
  path: string
  place: Place
  /** `exists`: false when nothing is there */
  sink(base: string, place: Place): Promise<Sink>
}

export interface CopyRequest {
  sources: Named[]
  target: Target
  include?: string[] | undefined
  exclude?: string[] | undefined
  /** also what is there already, by size and time */
  force?: boolean | undefined
  dryRun?: boolean | undefined
  signal?: AbortSignal | undefined
  /** what will be done, before it is */
  onPlan?: ((plan: Plan) => void) | undefined
  onProgress?: ((progress: CopyProgress) => void) | undefined
  onCopied?: ((file: CopiedFile) => void) | undefined
  /** of what is not copied, a line for people */
  onWarning?: ((message: string) => void) | undefined
}

export interface CopyProgress {
  files: number
  ofFiles: number
  bytes: number
  ofBytes: number
}

export interface CopiedFile {
  /** as on a command line: a local path, or NAME:PATH */
  from: string
  to: string
  /** bytes */
  size: number
  /** hex; absent in a dry run */
  sha256?: string
}

export interface CopyResult {
  /** where it is now */
  to: string
  files: number
  folders: number
  links: number
  bytes: number
  /** files that were there already */
  same: number
  /** what was left out, with a warning */
  left: number
  /** one file was asked for, no folder */
  single: boolean
}

const warnings = 20

/** Copies files and folders. What fails for one of them does not keep the others; in the end it is COPY_INCOMPLETE, or that file's own error. */
export async function copy(request: CopyRequest): Promise<CopyResult> {
  const {sources, target, signal, dryRun = false} = request
  const {base, items, single} = await gather(sources, target, await filterOf(request))
  signal?.throwIfAborted()
  const twice = clash(items)
  if (twice !== undefined) {
    throw errors.usage(`two of the sources would become ${sanitizeLine(twice)}`, {code: 'DUPLICATE_TARGET', category: 'file', fix: 'copy them into folders of their own'})
  }
  if (base === target.path && target.place === 'other') {
    throw errors.usage(`${sanitizeLine(base)} is a file, not a folder`, {code: 'NOT_A_FOLDER', category: 'file', fix: 'choose a folder, or a name that is not taken'})
  }
  const sink = await target.sink(base, single && base !== target.path ? 'folder' : target.place)
  const plan = planOf(items, await seenOf(sink, items, request.force ?? false))
  const run = new Run(request, sink, plan)
  run.tellLeft()
  request.onPlan?.(plan)
  if (dryRun) run.tell()
  else await run.run()
  if (plan.unreadable.length > 0 || run.failures.length > 0) throw run.incomplete()
  const to = sink.label(single ? (items[0]?.to ?? '') : items.every(({to}) => to === items[0]?.to || to.startsWith(`${items[0]?.to}/`)) ? (items[0]?.to ?? '') : '')
  return {
    to, single, files: plan.files.length, folders: plan.folders.length, links: plan.links.length, bytes: plan.bytes, same: plan.same.length, left: plan.left.length,
  }
}

async function seenOf(sink: Sink, items: Item[], force: boolean): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>()
  if (force || !sink.exists) return seen
  const paths = items.flatMap(({entry, to}) => (entry.kind === 'file' ? [to] : []))
  const found = paths.length === 0 ? [] : await sink.look(paths)
  paths.forEach((path, i) => {
    const one = found[i]
    if (one) seen.set(path, one)
  })
  return seen
}

class Run {
  readonly failures: Failure[] = []
  readonly #request: CopyRequest
  readonly #sink: Sink
  readonly #plan: Plan
  readonly #progress: CopyProgress
  #warned = 0

  constructor(request: CopyRequest, sink: Sink, plan: Plan) {
    this.#request = request
    this.#sink = sink
    this.#plan = plan
    this.#progress = {files: 0, ofFiles: plan.files.length, bytes: 0, ofBytes: plan.bytes}
  }

  tellLeft(): void {
    for (const {item, why} of this.#plan.left) this.#warn(`${this.#from(item)} is left out: ${why}`)
    for (const item of this.#plan.unreadable) this.#fail({path: item.to, error: unreadable(sanitizeLine(this.#from(item)), item.entry.reason)})
  }

  /** What would be copied. */
  tell(): void {
    for (const item of this.#plan.files) this.#request.onCopied?.({from: this.#from(item), to: this.#sink.label(item.to), size: item.entry.size})
  }

  async run(): Promise<void> {
    const {files, folders, links} = this.#plan
    const {sources, signal, onProgress, onCopied} = this.#request
    if (folders.length > 0 || !this.#sink.exists) await this.#folders()
    await carry(sources.map(({source}) => source), this.#sink, files, {
      signal,
      onBytes: count => {
        this.#progress.bytes += count
        onProgress?.(this.#progress)
      },
      onCopied: (item, {size, sha256}) => {
        this.#progress.files++
        onProgress?.(this.#progress)
        onCopied?.({from: this.#from(item), to: this.#sink.label(item.to), size, sha256})
      },
      onFailure: failure => this.#fail(failure),
    })
    const settled = await this.#sink.settle(
      links.map(({to, entry}) => ({path: to, link: entry.link ?? ''})),
      folders.toReversed().map(({to, entry}) => ({...entry, path: to})), // inner ones first
    )
    for (const failure of settled) this.#fail(failure)
  }

  async #folders(): Promise<void> {
    for (const failure of await this.#sink.folders(this.#plan.folders.map(({to}) => to))) this.#fail(failure)
  }

  #fail(failure: Failure): void {
    this.failures.push(failure)
    if (!this.#alone) this.#warn(`not copied: ${failure.error.message}`)
  }

  #warn(message: string): void {
    if (++this.#warned <= warnings) this.#request.onWarning?.(message)
    if (this.#warned === warnings + 1) this.#request.onWarning?.('there are more like this')
  }

  #from({from, origin: {base, path}}: Item): string {
    const whole = path === '' ? base : base.endsWith('/') ? base + path : `${base}/${path}`
    return this.#request.sources[from]?.source.label(whole) ?? whole
  }

  /** One file was asked for: what keeps it is the answer. */
  get #alone(): boolean {
    const {files, folders, links, unreadable: bad} = this.#plan
    return files.length + folders.length + links.length + bad.length === 1
  }

  incomplete(): CgpuError {
    const [first] = this.failures
    const {files, links} = this.#plan
    if (first && this.#alone) return first.error
    return new CgpuError(`${this.failures.length} of ${files.length + links.length + this.#plan.unreadable.length} files were not copied`, {
      code: 'COPY_INCOMPLETE', category: 'file', exit: first?.error.exit ?? 1, fix: 'correct what the warnings say, then run the same command again: what was copied is not sent again',
      details: {failed: this.failures.slice(0, 100).map(({path, error}) => ({path, code: error.code, message: error.message}))},
    })
  }
}

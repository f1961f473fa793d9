import {mkdir, stat} from 'node:fs/promises'
import {dirname} from 'node:path'
import {CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress, openPlace, shownPlace} from '../addresses/address.ts'
import {fileBehind} from '../addresses/links.ts'
import {givenIn} from '../parameters/given.ts'
import {readParameters} from '../parameters/values.ts'
import {placeOf} from '../run/alone.ts'
import {nameIn} from '../run/output-path.ts'
import {prepare, type PrepareFlags} from '../run/prepare.ts'
import {Saver} from '../run/save.ts'
import {findNotebooks} from './find-notebooks.ts'
import {fetchFolder, fetchPattern, nameOutput} from './names.ts'
import {type OpenCopy, type PlannedRun, setText} from './run.ts'
import {parameterSets, refuseTooMany} from './sets.ts'
import {Sources} from './sources.ts'

export interface PlanFlags extends PrepareFlags {
  out?: string | undefined
  inplace?: boolean
  recursive?: boolean
  grid?: string[] | undefined
  matrix?: string[] | undefined
  junit?: string | undefined
  html?: string | undefined
  fetch?: string[] | undefined
  'fetch-to'?: string | undefined
  changed?: boolean
  'from-failed'?: boolean
  resume?: boolean
}

export interface PlanOptions {
  onWarning: (message: string) => void
  sources?: Sources
  /** absent: nothing is looked at elsewhere */
  openCopy?: OpenCopy
  /** what else has to be right, before anything is made; throws what is not */
  check?: (run: PlannedRun) => Promise<unknown>
}

/**
 * All runs of a batch: every notebook with every parameter set, checked as far as that goes without a kernel, and folders for the copies made.
 * Throws what `prepare` does, INVALID_SWEEP, TOO_MANY_RUNS, OUTPUT_TEMPLATE, OUTPUT_TWICE (64), MATRIX_INVALID (65), MATRIX_NOT_FOUND (66), CANNOT_WRITE (73), and what an address's scheme does.
 */
export async function planRuns(places: readonly string[], flags: PlanFlags, {onWarning, sources = new Sources(), openCopy, check}: PlanOptions): Promise<PlannedRun[]> {
  refuseStreams(places, flags)
  const isFolder = flags.out !== undefined && !isAddress(flags.out) && (await stat(flags.out).catch(() => undefined))?.isDirectory() === true
  const [sets, found] = await Promise.all([
    parameterSets(flags.grid ?? [], flags.matrix ?? []),
    findNotebooks(places, {recursive: flags.recursive ?? false, except: isFolder ? flags.out : undefined}),
  ])
  const count = sets.length * found.length
  refuseTooMany(count)
  const base = await readParameters(givenIn(flags))
  const runs = found.flatMap(({notebook, folder}) => sets.map((set) => ({notebook, folder, set}))).map(({notebook, folder, set}, index): PlannedRun => {
    const run = {n: index + 1, notebook, folder, set, name: nameIn(notebook)}
    const label = [openPlace(notebook), setText(set)].filter((one) => one !== '').join(' ')
    const output = nameOutput(run, {out: flags.out, inplace: flags.inplace ?? false, isFolder, base, count})
    if (!flags.fetch) return {...run, label, output}
    return {...run, label, output, fetch: flags.fetch.map((one) => fetchPattern(run, one, {base, count})), fetchTo: fetchFolder({...run, output}, flags['fetch-to'], {base, count})}
  })
  refuseCopiesElsewhere(runs, flags)
  // before they are read: what is written there from now on is not replaced
  for (const run of runs) if (openCopy && isAddress(run.output) && run.output === run.notebook) run.remote = await openCopy(run.output)
  await refuseUnfit(runs, flags, {onWarning, sources})
  await refuseSharedFiles(runs, flags)
  for (const run of runs) await check?.(run)
  if (openCopy) await lookAt(runs, openCopy)
  await makePlaces(runs, flags)
  return runs
}

function refuseStreams(places: readonly string[], {out}: PlanFlags): void {
  if (places.includes('-')) throw errors.usage('stdin has one notebook, and a batch several runs', {code: 'USAGE', fix: 'give notebooks by paths or addresses'})
  if (out === '-') throw errors.usage('stdout takes the copy of one notebook, not those of a batch', {code: 'USAGE', fix: 'give a folder with -o DIR/'})
}

/** What a run goes by has to be at hand. */
function refuseCopiesElsewhere(runs: readonly PlannedRun[], flags: PlanFlags): void {
  if (!flags.changed && !flags['from-failed'] && !flags.resume) return
  if (runs.some(({notebook, output}) => [notebook, output].some(isAddress))) throw errors.usage('the flags under AGAIN need notebooks and copies that are files', {code: 'USAGE', fix: 'leave them out, or give paths; --skip-done leaves out what is done'})
}

/** Which names a set has decides whether a notebook takes it; each such kind is tried once. */
async function refuseUnfit(runs: readonly PlannedRun[], flags: PrepareFlags, {onWarning, sources}: {onWarning: (message: string) => void; sources: Sources}): Promise<void> {
  const tried = new Set<string>()
  for (const {notebook, set} of runs) {
    const kind = JSON.stringify([notebook, Object.keys(set).sort()])
    if (tried.has(kind)) continue
    tried.add(kind)
    const name = shownPlace(notebook)
    await prepare(notebook, {...flags, given: set}, (message) => onWarning(`${name}: ${message}`), undefined, sources.read).catch((error: unknown) => {
      throw naming(error, name)
    })
  }
}

/** Of many notebooks a message has to say which. */
function naming(error: unknown, notebook: string): unknown {
  if (!(error instanceof CgpuError) || error.message.startsWith(notebook)) return error
  const {message, code, category, exit, fix, retryable, details, cause} = error
  return new CgpuError(`${notebook}: ${message}`, {code, category, exit, fix, retryable, cause, ...(details ? {details} : {})})
}

/** No two runs write one file, none over a notebook that another run reads, and no report over either. */
async function refuseSharedFiles(runs: readonly PlannedRun[], {junit, html}: Pick<PlanFlags, 'junit' | 'html'>): Promise<void> {
  const twice = (message: string) => errors.usage(message, {code: 'OUTPUT_TWICE', category: 'file', fix: "name the copies apart: -o DIR/, or a template such as -o 'DIR/{folder}/{name}-{n}.ipynb'"})
  const read = new Map<string, PlannedRun>()
  for (const run of runs) read.set(await fileKey(run.notebook), run)
  const written = new Map<string, string>()
  for (const run of runs) {
    const key = await fileKey(run.output)
    const before = written.get(key)
    const [label, output] = [sanitizeLine(run.label, 200), shownPlace(run.output)]
    if (before !== undefined) throw twice(`${before} and ${label} would both be written to ${output}`)
    const source = read.get(key)
    if (source && source.notebook !== run.notebook) throw twice(`the copy of ${label} would be written over ${shownPlace(source.notebook)}, which is to be run too`)
    written.set(key, label)
    if (run.fetch) {
      const fetched = JSON.stringify([await fileKey(run.fetchTo ?? ''), run.fetch])
      const other = written.get(fetched)
      if (other !== undefined) throw errors.usage(`what is fetched of ${other} and ${label} would come to one folder, ${sanitizeLine(run.fetchTo ?? '')}`, {code: 'OUTPUT_TWICE', category: 'file', fix: "give each its own: --fetch-to 'DIR/{n}'"})
      written.set(fetched, label)
    }
  }
  for (const report of [junit, html]) {
    if (report === undefined) continue
    const key = await fileKey(report)
    if (read.has(key) || written.has(key)) throw twice(`the report ${sanitizeLine(report)} would be written over ${written.get(key) ?? 'a notebook'}`)
    written.set(key, 'another report')
  }
}

/** On these systems names that differ by case only are one file. */
async function fileKey(path: string): Promise<string> {
  if (isAddress(path)) return fileBehind(path)
  const place = await placeOf(path)
  return process.platform === 'darwin' || process.platform === 'win32' ? place.toLowerCase() : place
}

/** Folders of copies and reports are made; then all has to be writable. */
async function makePlaces(runs: readonly PlannedRun[], {junit, html}: Pick<PlanFlags, 'junit' | 'html'>): Promise<void> {
  const files = [...runs.map(({output}) => output).filter((output) => !isAddress(output)), ...[junit, html].filter((one) => one !== undefined)]
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    await mkdir(folder, {recursive: true}).catch((error: unknown) => {
      throw errors.cannotWrite(`the folder ${sanitizeLine(folder)} cannot be made`, {code: 'CANNOT_WRITE', fix: 'give another one with -o', cause: error})
    })
  }
  for (const file of files) await Saver.open(file, {cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5})
}

/** Whether copies could be written: one for each bucket or host. */
async function lookAt(runs: readonly PlannedRun[], openCopy: OpenCopy): Promise<void> {
  const firsts = new Map(runs.filter(({output, remote}) => isAddress(output) && !remote).toReversed().map(({output}) => [/^[^:]*:(\/\/[^/]*)?/.exec(output)?.[0], output]))
  await Promise.all([...firsts.values()].map(openCopy))
}

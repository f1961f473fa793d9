import {mkdir, stat} from 'node:fs/promises'
import {basename, dirname} from 'node:path'
import {CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'
import {readParameters} from '../parameters/values.ts'
import {placeOf} from '../run/alone.ts'
import {prepare, type PrepareFlags} from '../run/prepare.ts'
import {Saver} from '../run/save.ts'
import {findNotebooks} from './find-notebooks.ts'
import {nameOutput} from './names.ts'
import {type PlannedRun, setText} from './run.ts'
import {parameterSets, refuseTooMany} from './sets.ts'

export interface PlanFlags extends PrepareFlags {
  out?: string | undefined
  inplace?: boolean
  recursive?: boolean
  grid?: string[] | undefined
  matrix?: string[] | undefined
  junit?: string | undefined
  html?: string | undefined
  include?: string[] | undefined
  fetch?: string[] | undefined
}

/**
 * All runs of a batch: every notebook with every parameter set, checked as far as that goes without a kernel, and folders for the copies made.
 * Throws what `prepare` does, INVALID_SWEEP, TOO_MANY_RUNS, OUTPUT_TEMPLATE, OUTPUT_TWICE (64), MATRIX_INVALID (65), MATRIX_NOT_FOUND (66), CANNOT_WRITE (73).
 */
export async function planRuns(places: readonly string[], flags: PlanFlags, onWarning: (message: string) => void): Promise<PlannedRun[]> {
  if ([...places, flags.out ?? ''].some((place) => place === '-' || isAddress(place))) throw errors.usage('a batch reads and writes files', {code: 'USAGE', fix: 'give notebooks by their paths, and a folder with -o DIR/'})
  if (flags.include || flags.fetch) throw errors.usage('files travel with one notebook, not with a batch', {code: 'USAGE', fix: 'carry them yourself: cgpu cp FILE NAME:'})
  const isFolder = flags.out !== undefined && (await stat(flags.out).catch(() => undefined))?.isDirectory() === true
  const [sets, found] = await Promise.all([
    parameterSets(flags.grid ?? [], flags.matrix ?? []),
    findNotebooks(places, {recursive: flags.recursive ?? false, except: isFolder ? flags.out : undefined}),
  ])
  const count = sets.length * found.length
  refuseTooMany(count)
  const {parameters: typed = [], 'parameters-raw': raw = [], 'parameters-file': files = [], 'parameters-yaml': yaml = [], 'parameters-base64': base64 = []} = flags
  const base = await readParameters({typed, raw, files, yaml, base64})
  const runs = found.flatMap(({notebook, folder}) => sets.map((set) => ({notebook, folder, set}))).map(({notebook, folder, set}, index): PlannedRun => {
    const run = {n: index + 1, notebook, folder, set, name: basename(notebook).replace(/\.ipynb$/i, '')}
    const text = setText(set)
    return {...run, label: text === '' ? notebook : `${notebook} ${text}`, output: nameOutput(run, {out: flags.out, inplace: flags.inplace ?? false, isFolder, base, count})}
  })
  await refuseUnfit(runs, flags, onWarning)
  await refuseSharedFiles(runs, flags)
  await makePlaces(runs, flags)
  return runs
}

/** Which names a set has decides whether a notebook takes it; each such kind is tried once. */
async function refuseUnfit(runs: readonly PlannedRun[], flags: PrepareFlags, onWarning: (message: string) => void): Promise<void> {
  const tried = new Set<string>()
  for (const {notebook, set} of runs) {
    const kind = JSON.stringify([notebook, Object.keys(set).sort()])
    if (tried.has(kind)) continue
    tried.add(kind)
    await prepare(notebook, {...flags, given: set}, (message) => onWarning(`${sanitizeLine(notebook)}: ${message}`)).catch((error: unknown) => {
      throw naming(error, sanitizeLine(notebook))
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
    const [label, output] = [sanitizeLine(run.label, 200), sanitizeLine(run.output)]
    if (before !== undefined) throw twice(`${before} and ${label} would both be written to ${output}`)
    const source = read.get(key)
    if (source && source.notebook !== run.notebook) throw twice(`the copy of ${label} would be written over ${sanitizeLine(source.notebook)}, which is to be run too`)
    written.set(key, label)
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
  const place = await placeOf(path)
  return process.platform === 'darwin' || process.platform === 'win32' ? place.toLowerCase() : place
}

/** Folders of copies and reports are made; then all has to be writable. */
async function makePlaces(runs: readonly PlannedRun[], {junit, html}: Pick<PlanFlags, 'junit' | 'html'>): Promise<void> {
  const files = [...runs.map(({output}) => output), ...[junit, html].filter((one) => one !== undefined)]
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    await mkdir(folder, {recursive: true}).catch((error: unknown) => {
      throw errors.cannotWrite(`the folder ${sanitizeLine(folder)} cannot be made`, {code: 'CANNOT_WRITE', fix: 'give another one with -o', cause: error})
    })
  }
  for (const file of files) await Saver.open(file, {cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5})
}

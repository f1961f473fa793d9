import {readdir, rm, stat} from 'node:fs/promises'
import {basename, join, resolve} from 'node:path'
import {cgpu, writeAtomic} from '@cgpu/plugin-sdk'
import {isAddress, nameOf, openPlace} from '../addresses/address.ts'
import type {Again, Selected} from '../again/again.ts'
import {tagsOf} from '../format/model.ts'
import {languageOf} from '../parameters/said-language.ts'
import type {PerformOptions} from '../run/perform.ts'
import type {Prepared} from '../run/prepare.ts'
import {executable} from '../run/run-notebook.ts'
import type {TravelFlags} from '../travel/travel.ts'
import {carriedFiles} from './carried.ts'
import {packed} from './plan.ts'
import {placeFor} from './place.ts'
import {remember, type Remembered, rememberedIn} from './remembered.ts'

/** A notebook that was left running. */
export interface DetachedRun {
  /** of the job that runs it */
  id: string
  notebook: string
  /** where `cgpu notebook attach` and `fetch` put the copy */
  output: string
  runtime: string
  state: string
  exitStatus: number | null
  parameters: Record<string, unknown>
  /** which cells run and which do not, and why; absent: all do that were asked for */
  selection?: Selected[]
}

export interface StartOptions extends Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs' | 'output' | 'flags'> {
  /** cgpu's */
  dataDir: string
  /** names the run wherever its parts are: 12 hex digits */
  token: string
  /** the flags that say what goes along, and what comes back */
  travel: TravelFlags
  /** cells that do not run keep what an earlier copy has of them */
  again?: Again | undefined
}

/** What was sent for a run and not asked for since is forgotten. */
const keptMs = 30 * 24 * 60 * 60_000

/** Sends the prepared notebook with its driver as a job. Throws what `carriedFiles` and `cgpu run --detach` do. */
export async function startDetached(path: string, prepared: Prepared, {flags, output, dataDir, token, travel, again, cellTimeoutMs, timeoutMs, startTimeoutMs}: StartOptions): Promise<DetachedRun> {
  const {notebook, parameters} = prepared
  const label = path === '-' ? 'notebook' : isAddress(path) ? nameOf(path) : basename(path)
  const {folder, outputs, script, copy} = placeFor(token, label, dataDir)
  const carried = await carriedFiles(travel.include ?? [], path)
  await forgetOld(rememberedIn(dataDir))
  const decided = await again?.decide()
  const selected = decided ?? (prepared.selected && new Set(notebook.cells.flatMap(({id}, index) => (prepared.selected?.has(id) ? [index] : []))))
  const plan = await packed({
    notebook, kernel: flags.kernel ?? languageOf(notebook).kernel ?? null,
    allowErrors: flags['allow-errors'] ? true : (flags['allow-error-names'] ?? []).flatMap((names) => names.split(',')),
    skipTag: flags['skip-tag'], timing: flags.timing, errorMarkers: flags['error-markers'],
    cellTimeoutMs: cellTimeoutMs ?? null, timeoutMs: timeoutMs ?? null, startTimeoutMs,
    limits: {cellTimeout: flags['cell-timeout'], timeout: flags.timeout},
    selected: selected ? [...selected] : null, keepWidgets: again !== undefined,
    copy,
  }, carried)
  // parameters may be nobody else's business
  await writeAtomic(script, plan, {mode: 0o600})
  const about: Remembered = {
    output: isAddress(output) ? output : resolve(output), fetch: travel.fetch ?? [],
    request: {id: token, notebook: openPlace(path), output: openPlace(output), detached: true, parameters},
    cells: executable(notebook, {skipTag: flags['skip-tag'], selected}).map(({cell, index}) => ({id: cell.id, index, source: cell.source, tags: tagsOf(cell)})),
  }
  await remember(folder, about)
  if (flags.account !== undefined) process.env['CGPU_ACCOUNT'] = flags.account // the command that starts it has no flag for it
  try {
    const {id, runtime, state, exitStatus} = await cgpu.detach(script, [label, copy, ...(flags.cwd === undefined ? [] : [flags.cwd])], {
      runtime: flags.runtime, cwd: flags.cwd, outputs: [copy, ...about.fetch], 'output-dir': outputs, quiet: true,
    })
    await remember(folder, {...about, job: id})
    return {id, notebook: openPlace(path), output: openPlace(output), runtime, state, exitStatus, parameters, ...(again && again.selection.length > 0 ? {selection: again.selection} : {})}
  } catch (error) {
    await rm(folder, {recursive: true, force: true})
    throw error
  }
}

async function forgetOld(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const folder = join(root, name)
    const used = await stat(folder).then(({mtimeMs}) => mtimeMs, () => Date.now())
    if (Date.now() - used > keptMs) await rm(folder, {recursive: true, force: true})
  }
}

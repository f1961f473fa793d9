import {randomBytes} from 'node:crypto'
import {readdir, rm, stat} from 'node:fs/promises'
import {basename, join, resolve} from 'node:path'
import {cgpu, errors, writeAtomic} from '@cgpu/plugin-sdk'
import {languageOf} from '../parameters/said-language.ts'
import type {PerformOptions} from '../run/perform.ts'
import type {Prepared} from '../run/prepare.ts'
import {Saver} from '../run/save.ts'
import {packed} from './plan.ts'
import {placeFor} from './place.ts'
import {remember} from './remembered.ts'

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
}

export interface StartOptions extends Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs' | 'output' | 'flags'> {
  /** cgpu's */
  dataDir: string
}

/** What was sent for a run and not asked for since is forgotten. */
const keptMs = 30 * 24 * 60 * 60_000

/** Sends the prepared notebook with its driver as a job. Throws CANNOT_WRITE (73) where its copy could not be put, and what `cgpu run --detach` does. */
export async function startDetached(path: string, {notebook, selected, parameters}: Prepared, {flags, output, dataDir, cellTimeoutMs, timeoutMs, startTimeoutMs}: StartOptions): Promise<DetachedRun> {
  if (output === '-') throw errors.usage('a notebook that is left running cannot print its copy', {code: 'USAGE', fix: 'give -o FILE'})
  await Saver.open(output, notebook)
  const {folder, script, copy} = placeFor(randomBytes(6).toString('hex'), path, dataDir)
  await forgetOld(join(dataDir, 'notebooks', 'detached'))
  const plan = await packed({
    notebook, kernel: flags.kernel ?? languageOf(notebook).kernel ?? null,
    allowErrors: flags['allow-errors'] ? true : (flags['allow-error-names'] ?? []).flatMap((names) => names.split(',')),
    skipTag: flags['skip-tag'], timing: flags.timing, errorMarkers: flags['error-markers'],
    cellTimeoutMs: cellTimeoutMs ?? null, timeoutMs: timeoutMs ?? null, startTimeoutMs,
    limits: {cellTimeout: flags['cell-timeout'], timeout: flags.timeout},
    selected: selected ? notebook.cells.flatMap(({id}, index) => (selected.has(id) ? [index] : [])) : null,
    copy,
  })
  // parameters may be nobody else's business
  await writeAtomic(script, plan, {mode: 0o600})
  await remember(folder, {output: resolve(output)})
  if (flags.account !== undefined) process.env['CGPU_ACCOUNT'] = flags.account // the command that starts it has no flag for it
  try {
    const label = path === '-' ? 'notebook' : basename(path)
    const {id, runtime, state, exitStatus} = await cgpu.detach(script, [label, copy, ...(flags.cwd === undefined ? [] : [flags.cwd])], {
      runtime: flags.runtime, cwd: flags.cwd, outputs: copy, 'output-dir': folder, quiet: true,
    })
    return {id, notebook: path, output, runtime, state, exitStatus, parameters}
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

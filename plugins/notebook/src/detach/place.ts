import {basename, join} from 'node:path'
import {cgpu, errors, type JobSummary, sanitizeLine} from '@cgpu/plugin-sdk'

/** The folder on the runtime that keeps executed copies, below the folder that the run works in. */
export const remoteFolder = 'cgpu-notebooks'

/** Where the parts of a detached run are. */
export interface DetachedPlace {
  /** on this computer: what was sent, and what is remembered */
  folder: string
  /** on this computer: what the job's end brings back, the copy among it */
  outputs: string
  /** the job's script on this computer */
  script: string
  /** of the copy, below the folder that the job runs in, `/` separated */
  copy: string
}

/** On this computer, of a run: what its job's end brings back. */
export const outputsIn = (folder: string): string => join(folder, 'outputs')

/** `token`: a new one for each run. `dataDir`: cgpu's. */
export function placeFor(token: string, notebook: string, dataDir: string): DetachedPlace {
  const folder = join(dataDir, 'notebooks', 'detached', token)
  const stem = basename(notebook).replace(/\.ipynb$/i, '').replaceAll(/[^A-Za-z0-9_.-]+/g, '-').replaceAll(/^[-.]+/g, '').slice(0, 60)
  return {folder, outputs: outputsIn(folder), script: join(folder, `notebook-${token}.py`), copy: `${remoteFolder}/${stem === '' ? 'notebook' : stem}-${token}.ipynb`}
}

/** A detached run, as its job tells of it. */
export interface FoundRun {
  job: JobSummary
  token: string
  folder: string
  outputs: string
  copy: string
  /** as it was typed */
  notebook: string
  /** of the copy on its runtime; absent: the runtime cannot be asked */
  remote?: string
}

/** The run of a job: its command line says where things are, on whatever computer this is. Throws what `cgpu job show` does, NOT_A_NOTEBOOK_RUN (64). */
export async function findRun(id: string, dataDir: string, runtime: string | undefined): Promise<FoundRun> {
  const job = await cgpu.call<JobSummary>(['job', 'show', id, ...(runtime === undefined ? [] : [`--runtime=${runtime}`])])
  const words = job.argv ?? job.command ?? []
  const at = words.findIndex((word) => tokenOf(word) !== undefined)
  const [script = '', notebook, copy, cwd = ''] = words.slice(Math.max(at, 0))
  const token = tokenOf(script)
  if (token === undefined || notebook === undefined || copy === undefined || !copy.startsWith(`${remoteFolder}/`)) {
    throw errors.usage(`the job ${sanitizeLine(id, 80)} does not run a notebook`, {code: 'NOT_A_NOTEBOOK_RUN', fix: `cgpu job attach ${sanitizeLine(id, 80)}`})
  }
  const {folder, outputs} = placeFor(token, notebook, dataDir)
  return {job, token, folder, outputs, copy, notebook, ...(job.argv ? {remote: remoteCopy(script, cwd, copy)} : {})}
}

const tokenOf = (word: string): string | undefined => /(?:^|[/\\])notebook-([0-9a-f]{12})\.py$/.exec(word)?.[1]

/** The script lies in the runtime's working folder, where `cwd` begins. */
function remoteCopy(script: string, cwd: string, copy: string): string {
  const slash = script.includes('\\') ? '\\' : '/'
  const workdir = script.slice(0, script.lastIndexOf(slash))
  const absolute = cwd.startsWith('/') || /^[A-Za-z]:[\\/]/.test(cwd)
  return [...(absolute ? [cwd] : cwd === '' ? [workdir] : [workdir, cwd]), ...copy.split('/')].join(slash)
}

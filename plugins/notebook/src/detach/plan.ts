import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import type {Notebook} from '../format/model.ts'
import type {CarriedFile} from './carried.ts'
import {zip} from './zip.ts'

/** What the driver reads: the notebook, prepared here, and how to run it. */
export interface Plan {
  notebook: Notebook
  /** the kernelspec; null: the runtime's Python */
  kernel: string | null
  allowErrors: true | readonly string[]
  skipTag: string
  timing: boolean
  errorMarkers: boolean
  cellTimeoutMs: number | null
  timeoutMs: number | null
  startTimeoutMs: number
  /** the limits as they were typed, for messages */
  limits: {cellTimeout?: string | undefined; timeout?: string | undefined}
  /** indices of the cells to run; null: all */
  selected: number[] | null
  /** cells that do not run keep the state of their widgets: the notebook has it from an earlier run */
  keepWidgets: boolean
  /** where the copy goes, below the folder that the job runs in */
  copy: string
}

/** The driver, beside `src` and `dist` alike; found by this package's name, as this module may be part of a bundle elsewhere. */
const driverFolder = fileURLToPath(new URL('../python/', import.meta.resolve('@cgpu/plugin-notebook')))
const packageName = 'cgpu_notebook'

/** The driver, its plan and the files that go with it, as one file that Python runs. */
export async function packed(plan: Plan, carried: readonly CarriedFile[] = []): Promise<Buffer> {
  const names = (await readdir(join(driverFolder, packageName))).filter((name) => name.endsWith('.py')).sort()
  const paths = ['__main__.py', ...names.map((name) => `${packageName}/${name}`)]
  const sources = await Promise.all(paths.map(async (path): Promise<[string, Uint8Array]> => [path, await readFile(join(driverFolder, path))]))
  const included = carried.map(({path, executable}, at) => ({entry: `files/${at}`, path, executable}))
  return zip({...Object.fromEntries(sources), 'plan.json': Buffer.from(JSON.stringify({...plan, included})), ...Object.fromEntries(carried.map(({content}, at) => [`files/${at}`, content]))})
}

import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import type {Notebook} from '../format/model.ts'
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
  /** where the copy goes, below the folder that the job runs in */
  copy: string
}

/** The driver, beside `src` and `dist` alike; found by this package's name, as this module may be part of a bundle elsewhere. */
const driverFolder = fileURLToPath(new URL('../python/', import.meta.resolve('@cgpu/plugin-notebook')))
const packageName = 'cgpu_notebook'

/** The driver and its plan as one file that Python runs. */
export async function packed(plan: Plan): Promise<Buffer> {
  const names = (await readdir(join(driverFolder, packageName))).filter((name) => name.endsWith('.py')).sort()
  const paths = ['__main__.py', ...names.map((name) => `${packageName}/${name}`)]
  const sources = await Promise.all(paths.map(async (path): Promise<[string, Uint8Array]> => [path, await readFile(join(driverFolder, path))]))
  return zip({...Object.fromEntries(sources), 'plan.json': Buffer.from(JSON.stringify(plan))})
}

import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {CgpuError, ExitCode, type HookHost} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'
import {isRecord, type Notebook, tagsOf} from '../format/model.ts'
import {languageOf} from '../parameters/said-language.ts'
import {prepare, type PrepareFlags} from '../run/prepare.ts'
import type {PlannedRun} from './run.ts'
import type {Sources} from './sources.ts'

export interface KeyFlags {
  kernel?: string | undefined
  cwd?: string | undefined
  'skip-tag': string
  'allow-errors'?: boolean
  'allow-error-names'?: string[] | undefined
}

/** What a run executes, as a hash: the cells with their injected parameters, which of them, and how. Outputs and text do not count. */
export function runKey({notebook, selected}: {notebook: Notebook; selected: ReadonlySet<string> | undefined}, flags: KeyFlags): string {
  const cells = notebook.cells.flatMap((cell) => (cell.cell_type === 'code' ? [[cell.source, tagsOf(cell), selected?.has(cell.id) ?? true]] : []))
  const how = [flags.kernel ?? languageOf(notebook).kernel ?? null, flags.cwd ?? null, flags['skip-tag'], flags['allow-errors'] ?? false, flags['allow-error-names'] ?? []]
  return createHash('sha256').update(JSON.stringify([cells, how])).digest('hex')
}

/** Of a planned run, without what plugins would add to its parameters. */
export const keyOf = async ({notebook, set}: PlannedRun, flags: KeyFlags & PrepareFlags, sources: Sources): Promise<string> =>
  runKey(await prepare(notebook, {...flags, given: set}, () => {}, undefined, sources.read), flags)

/** Notes in the copy what it is of, and how that ended so far. */
export function stamp(notebook: Notebook, key: string, status: string): void {
  const {cgpu} = notebook.metadata
  notebook.metadata['cgpu'] = {...(isRecord(cgpu) ? cgpu : {}), batch: {key, status}}
}

/** Whether the copy is there, whole, of the same run, and that succeeded. Throws where an address cannot be asked. */
export async function isDone(output: string, key: string, host?: HookHost): Promise<boolean> {
  const text = isAddress(output) ? await textAt(output, host) : await readFile(output, 'utf8').catch(() => '')
  try {
    const copy: unknown = JSON.parse(text)
    const noted = isRecord(copy) && isRecord(copy['metadata']) && isRecord(copy['metadata']['cgpu']) ? copy['metadata']['cgpu']['batch'] : undefined
    return isRecord(noted) && noted['key'] === key && (noted['status'] === 'ok' || noted['status'] === 'exited')
  } catch {
    return false // none, or no notebook: it is run
  }
}

/** What is there, '' where that is nothing. */
async function textAt(address: string, host: HookHost | undefined): Promise<string> {
  try {
    return await (await import('../addresses/read.ts')).readAddress(address, host)
  } catch (error) {
    if (error instanceof CgpuError && (error.exit === ExitCode.notFound || error.exit === ExitCode.data)) return ''
    throw error
  }
}

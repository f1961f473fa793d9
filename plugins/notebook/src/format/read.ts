import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {errors, type HookHost, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress, shownPlace} from '../addresses/address.ts'
import {type Cell, isRecord, type Notebook} from './model.ts'
import {notebookSchema} from './schema.ts'

const tooLarge = 1024 * 1024 * 1024

/** Reads and checks a notebook; `-` is stdin, and an address is reached, by a plugin's scheme where there is a `host`. Throws NOTEBOOK_NOT_FOUND (66), NOTEBOOK_NOT_JSON, NOTEBOOK_INVALID, NOTEBOOK_VERSION, DUPLICATE_CELL_IDS (65). */
export async function readNotebook(path: string, host?: HookHost): Promise<Notebook> {
  return parseNotebook(await readSource(path, host), path === '-' ? 'stdin' : shownPlace(path))
}

/** The text of the file or the address, unchecked; `-` is stdin. Throws NOTEBOOK_NOT_FOUND (66). */
export async function readSource(path: string, host?: HookHost): Promise<string> {
  if (isAddress(path)) return (await import('../addresses/read.ts')).readAddress(path, host)
  return path === '-' ? readStdin() : readText(path, sanitizeLine(path))
}

/** The notebook in a file's text; `name` is what messages call it. `duplicateIds`: cells that share an id are let pass. */
export function parseNotebook(text: string, name: string, {duplicateIds = false} = {}): Notebook {
  const raw = parseJson(text, name)
  const minor = versionOf(raw, name)
  const parsed = notebookSchema.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const where = issue?.path.map((one) => (typeof one === 'number' ? `[${one}]` : `.${String(one)}`)).join('').replace(/^\./, '')
    throw invalid(name, `${where ? `${where}: ` : ''}${issue?.message ?? 'not a notebook'}`)
  }
  const notebook = parsed.data as Notebook // what the schema makes; its unknown keys are kept beside
  notebook.cells.forEach((cell, index) => complete(cell, index, minor < 5))
  if (!duplicateIds) refuseDuplicates(notebook.cells, name)
  notebook.nbformat_minor = Math.max(5, minor)
  return notebook
}

function complete(cell: Cell, index: number, old: boolean): void {
  // ids are new in 4.5; made from what a cell is, so that the same notebook gets the same ones again
  if (old || !cell.id) cell.id = createHash('sha256').update(`${index}\0${cell.source}`).digest('hex').slice(0, 8)
}

function refuseDuplicates(cells: readonly Cell[], name: string): void {
  const seen = new Map<string, number>()
  for (const [index, {id}] of cells.entries()) {
    const before = seen.get(id)
    if (before !== undefined) {
      throw errors.data(`${name}: cells ${before + 1} and ${index + 1} have the same id, ${sanitizeLine(id, 64)}`, {
        code: 'DUPLICATE_CELL_IDS', category: 'file', fix: 'give one of them another id, or save it in JupyterLab, which does',
      })
    }
    seen.set(id, index)
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    const why = text.trim() === '' ? 'it is empty' : /^<{7} /m.test(text) ? 'it holds the marks of a merge conflict' : sanitizeLine(error instanceof Error ? error.message : String(error), 200)
    throw errors.data(`${name} is not a notebook: ${why}`, {code: 'NOTEBOOK_NOT_JSON', category: 'file', fix: 'give a file that Jupyter saved', cause: error})
  }
}

/** Its minor version. Throws unless it is a notebook of format 4. */
function versionOf(raw: unknown, name: string): number {
  if (!isRecord(raw) || typeof raw['nbformat'] !== 'number') throw invalid(name, 'nbformat: it does not say its format')
  const {nbformat, nbformat_minor: minor} = raw
  if (nbformat === 4 && typeof minor === 'number' && Number.isInteger(minor) && minor >= 0) return minor
  if (nbformat === 4) throw invalid(name, 'nbformat_minor: must be a whole number')
  throw errors.data(`${name} has notebook format ${nbformat}, and cgpu reads 4`, {
    code: 'NOTEBOOK_VERSION', category: 'file', fix: nbformat < 4 ? `convert it: jupyter nbconvert --to notebook --nbformat 4 ${name}` : 'save it in an older format',
  })
}

function invalid(name: string, why: string) {
  return errors.data(`${name} is not a valid notebook: ${sanitizeLine(why, 300)}`, {code: 'NOTEBOOK_INVALID', category: 'file', fix: 'open it in Jupyter and save it again'})
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'it may not be read' : 'it cannot be read'
    throw errors.notFound(`${name}: ${why}`, {code: 'NOTEBOOK_NOT_FOUND', category: 'file', fix: 'give the path of an .ipynb file', cause: error})
  }
}

/** All of stdin as text. Throws NOTEBOOK_INVALID (65) where it is over 1 GiB. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > tooLarge) throw errors.data('what comes on stdin is over 1 GiB', {code: 'NOTEBOOK_INVALID', category: 'file', fix: 'give it as a file'})
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

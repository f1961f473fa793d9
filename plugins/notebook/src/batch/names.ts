import {createHash} from 'node:crypto'
import {join, sep} from 'node:path'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress, nameOf, schemeOf} from '../addresses/address.ts'
import {outputPath} from '../run/output-path.ts'
import type {ParameterSet} from './matrix.ts'
import {type PlannedRun, valueText} from './run.ts'

type Unnamed = Omit<PlannedRun, 'output' | 'label'>

/** What templates are filled from besides the run. */
export interface Fields {
  /** parameters of all runs */
  base: ParameterSet
  /** how many runs there are */
  count: number
}

export interface Naming extends Fields {
  out?: string | undefined
  inplace?: boolean
  /** whether `out` is a folder that exists */
  isFolder: boolean
}

const longestValue = 60
const longestSet = 120

/** Where the copy of a run goes: a folder, a template, or beside the notebook; of a notebook at an address, in this folder. Throws OUTPUT_TEMPLATE (64). */
export function nameOutput(run: Unnamed, {out, inplace = false, isFolder, ...more}: Naming): string {
  const set = setPart(run.set)
  const file = `${run.name}${set === '' ? '' : `.${set}`}`
  if (out === undefined) return inplace || set === '' ? outputPath(run.notebook, {inplace}) : outputPath(run.notebook, {}).replace(/\.out\.ipynb$/, `.${set}.out.ipynb`)
  if (isAddress(out)) return addressOf(run, out, {file, ...more})
  const filled = fill('-o', out, fieldsOf(run, more))
  return isFolder || filled.endsWith('/') || filled.endsWith(sep) ? join(filled, run.folder, `${file}.ipynb`) : filled
}

function addressOf(run: Unnamed, out: string, {file, ...more}: Fields & {file: string}): string {
  const isWeb = ['http', 'https'].includes(schemeOf(out))
  const part = (text: string): string => (isWeb ? encodeURI(text).replace(/[?#]/g, encodeURIComponent) : text)
  const filled = fill('-o', out, Object.fromEntries(Object.entries(fieldsOf(run, more)).map(([name, text]) => [name, part(text)])))
  if (!/[/:]$/.test(filled)) return filled
  return `${filled}${[...run.folder.split(sep).filter((one) => one !== ''), `${file}.ipynb`].map(part).join('/')}`
}

/** Where what a run leaves on its runtime comes: as the template says, else beside its copy, of a copy at an address in this folder. Throws OUTPUT_TEMPLATE (64). */
export function fetchFolder(run: Omit<PlannedRun, 'label'>, template: string | undefined, more: Fields): string {
  if (template !== undefined) return fill('--fetch-to', template, fieldsOf(run, more))
  const copy = isAddress(run.output) ? join(run.folder, nameOf(run.output)) : run.output
  return `${copy.replace(/\.ipynb$/i, '')}_files`
}

/** A pattern for the runtime; what stands for itself in a name does so here, too. Throws OUTPUT_TEMPLATE (64). */
export const fetchPattern = (run: Unnamed, template: string, more: Fields): string =>
  fill('--fetch', template, Object.fromEntries(Object.entries(fieldsOf(run, more)).map(([name, text]) => [name, text.replaceAll(/[[*?]/g, '[$&]')])))

const fieldsOf = (run: Unnamed, {base, count}: Fields): Record<string, string> => ({
  ...Object.fromEntries(Object.entries({...base, ...run.set}).map(([name, value]) => [name, partOf(valueText(value))])),
  name: run.name, folder: run.folder, set: setPart(run.set), n: String(run.n).padStart(String(count).length, '0'),
})

/** `{{` and `}}` are braces. */
function fill(flag: string, template: string, fields: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, name: string | undefined) => {
    if (whole === '{{' || whole === '}}') return whole.slice(1)
    if (name !== undefined && Object.hasOwn(fields, name)) return fields[name] ?? ''
    throw errors.usage(`${flag} ${sanitizeLine(template, 120)}: ${name === undefined ? 'a brace is not closed' : `a run has no "${sanitizeLine(name, 60)}"`}`, {
      code: 'OUTPUT_TEMPLATE', fix: `there is: ${sanitizeLine(Object.keys(fields).map((one) => `{${one}}`).join(' '), 300)}; a brace itself is doubled`,
    })
  })
}

/** `lr=0.1,depth=2`, cut where it is too long for a file's name. */
function setPart(set: ParameterSet): string {
  const text = Object.entries(set).map(([name, value]) => `${partOf(name)}=${partOf(valueText(value))}`).join(',')
  return shortened(text, longestSet)
}

/** Fit for a file's name on every system. */
const partOf = (text: string): string => shortened(text.replaceAll(/[^\p{L}\p{N}._+-]/gu, '_').replace(/^\.+$/, (dots) => '_'.repeat(dots.length)), longestValue)

const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 9)}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`

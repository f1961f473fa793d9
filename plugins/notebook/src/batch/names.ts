import {createHash} from 'node:crypto'
import {join, sep} from 'node:path'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {outputPath} from '../run/output-path.ts'
import type {ParameterSet} from './matrix.ts'
import {type PlannedRun, valueText} from './run.ts'

type Unnamed = Omit<PlannedRun, 'output' | 'label'>

export interface Naming {
  out?: string | undefined
  inplace?: boolean
  /** whether `out` is a folder that exists */
  isFolder: boolean
  /** parameters of all runs, for templates */
  base: ParameterSet
  /** how many runs there are */
  count: number
}

const longestValue = 60
const longestSet = 120

/** Where the copy of a run goes: a folder, a template, or beside the notebook. Throws OUTPUT_TEMPLATE (64). */
export function nameOutput(run: Unnamed, {out, inplace = false, isFolder, base, count}: Naming): string {
  const set = setPart(run.set)
  const file = `${run.name}${set === '' ? '' : `.${set}`}`
  if (out === undefined) return inplace || set === '' ? outputPath(run.notebook, {inplace}) : outputPath(run.notebook, {}).replace(/\.out\.ipynb$/, `.${set}.out.ipynb`)
  const fields: Record<string, string> = {
    ...Object.fromEntries(Object.entries({...base, ...run.set}).map(([name, value]) => [name, partOf(valueText(value))])),
    name: run.name, folder: run.folder, set, n: String(run.n).padStart(String(count).length, '0'),
  }
  const filled = /[{}]/.test(out) ? fill(out, fields) : out
  return isFolder || filled.endsWith('/') || filled.endsWith(sep) ? join(filled, run.folder, `${file}.ipynb`) : filled
}

/** `{{` and `}}` are braces. */
function fill(template: string, fields: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, name: string | undefined) => {
    if (whole === '{{' || whole === '}}') return whole.slice(1)
    if (name !== undefined && Object.hasOwn(fields, name)) return fields[name] ?? ''
    throw errors.usage(`-o ${sanitizeLine(template, 120)}: ${name === undefined ? 'a brace is not closed' : `a run has no "${sanitizeLine(name, 60)}"`}`, {
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

import {readFile} from 'node:fs/promises'
import {extname} from 'node:path'
import {type CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isRecord} from '../format/model.ts'
import type {Value} from '../parameters/value.ts'
import {inferred, parseYaml} from '../parameters/values.ts'
import {invalidSweep, parseAxes} from './axes.ts'
import {parseCsv} from './csv.ts'

/** Parameters of one run. */
export type ParameterSet = Record<string, Value>

/** `a=1,2 b=3,4` here, or a file with a list of sets. Throws INVALID_SWEEP (64), MATRIX_NOT_FOUND (66), MATRIX_INVALID (65). */
export async function readMatrix(text: string): Promise<ParameterSet[]> {
  return /^\s*[\p{L}_.][\p{L}\p{N}_.]*=/u.test(text) ? zipped(text) : fromFile(text)
}

function zipped(text: string): ParameterSet[] {
  const axes = parseAxes(text, '--matrix')
  const count = axes[0]?.values.length ?? 0
  const odd = axes.find(({values}) => values.length !== count)
  if (odd) throw invalidSweep('--matrix', `${sanitizeLine(odd.name, 60)} has ${odd.values.length} values, and ${sanitizeLine(axes[0]?.name ?? '', 60)} has ${count}`)
  return Array.from({length: count}, (_, at) => Object.fromEntries(axes.flatMap(({name, values}) => values.slice(at, at + 1).map((value) => [name, value]))))
}

async function fromFile(path: string): Promise<ParameterSet[]> {
  const name = sanitizeLine(path)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw errors.notFound(`${name}: the matrix cannot be read`, {code: 'MATRIX_NOT_FOUND', category: 'file', fix: "give the path of a CSV, YAML or JSON file, or values such as 'a=1,2 b=3,4'", cause: error})
  }
  const kind = extname(path).toLowerCase()
  const sets = kind === '.csv' ? fromCsv(text, name) : await fromYaml(text, name)
  if (sets.length === 0) throw invalid(name, 'it holds no parameters')
  return sets
}

/** The first line has the names; values are typed as `-p` types them, and an empty one is not given. */
function fromCsv(text: string, name: string): ParameterSet[] {
  const rows = parseCsv(text)
  if (!rows) throw invalid(name, 'a quote is not closed, or stands inside of a value')
  const [head = [], ...body] = rows
  const names = head.map((one) => one.trim())
  const twice = names.find((one, at) => names.indexOf(one) !== at)
  if (twice !== undefined) throw invalid(name, `two columns are named "${sanitizeLine(twice, 60)}"`)
  return body.map((row, at) => {
    if (row.length !== names.length) throw invalid(name, `row ${at + 1} has ${row.length} values, and there are ${names.length} names`)
    return Object.fromEntries(row.flatMap((value, column) => (value === '' ? [] : [[names[column] ?? '', inferred(value)]])))
  })
}

async function fromYaml(text: string, name: string): Promise<ParameterSet[]> {
  const value = await parseYaml(text, (why) => invalid(name, `its sets ${why}`))
  if (!Array.isArray(value) || !value.every(isRecord)) throw invalid(name, 'it is not a list of names with values')
  return value as ParameterSet[] // YAML's types are those of Value
}

const invalid = (name: string, why: string): CgpuError =>
  errors.data(`${name}: ${why}`, {code: 'MATRIX_INVALID', category: 'file', fix: 'give YAML or JSON such as [{lr: 0.1}, {lr: 0.01}], or CSV whose first line has the names'})

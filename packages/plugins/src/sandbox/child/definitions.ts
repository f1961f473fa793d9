import {CgpuError} from '@cgpu/plugin-sdk/sandbox'

/** Flags and arguments as oclif's builders describe them. The host has parsed the command line; here values become what the plugin's own `parse` makes of them. */

export type Parse = (input: string, context: unknown, definition: Definition) => unknown

export interface Definition {
  [key: string]: unknown
  type?: 'boolean' | 'option'
  multiple?: boolean
  default?: unknown
  parse?: Parse
}

type Builder = (options?: Definition) => Definition

const builder = (type: 'option' | 'boolean', preset: Parse): Builder => (options = {}) => ({type, input: [], ...options, parse: options.parse ?? preset})

const asIs: Parse = (input) => input

function whole(input: string): number {
  if (!/^-?\d+$/.test(input)) throw new Error(`expected an integer but received: ${input}`)
  return Number.parseInt(input, 10)
}

export const string = builder('option', asIs)
/** Paths of the user's computer: whether they are there is seen when the host is asked for them. */
export const file = string
export const directory = string
export const url = builder('option', (input) => new URL(input))
export const integer = builder('option', whole)
export const boolean = builder('boolean', (input) => input)
export const option = (options?: Definition): Builder => (more = {}) => string({...options, ...more})
export const custom = (options?: Definition): Builder => (more = {}) => string({...options, ...more})

/** The values of one side of the command line (`sign` of its names) of a command. A definition that was given none has its default. */
export async function valuesOf({sign, id}: {sign: '--' | ''; id: string}, definitions: Readonly<Record<string, Definition>>, given: Readonly<Record<string, unknown>>, context: unknown): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const raw = given[name]
    const own = definition.parse ?? asIs
    const parse: Parse = async (...given) => {
      try {
        return await own(...given)
      } catch (error) {
        if (error instanceof CgpuError) throw error
        throw new CgpuError(`${sign}${sign === '' ? name.toUpperCase() : name}: ${error instanceof Error ? error.message : String(error)}`, {code: 'USAGE', category: 'usage', exit: 64, fix: `see cgpu ${id.replaceAll(':', ' ')} --help`})
      }
    }
    if (raw === undefined) {
      const {default: preset} = definition
      const value: unknown = typeof preset === 'function' ? await (preset as (context: unknown) => unknown)({options: definition, flags: values, context}) : preset
      if (value !== undefined) values[name] = value
    } else if (Array.isArray(raw)) values[name] = await Promise.all(raw.map((one) => parse(String(one), context, definition)))
    else values[name] = typeof raw === 'boolean' ? raw : await parse(typeof raw === 'string' ? raw : JSON.stringify(raw), context, definition)
  }
  return values
}

import {JupyterError} from './errors.ts'

/** Hand-written checks of what a server sent. zod would say the same and costs 50-80 ms on the way to a first cell. */

export type Json = Record<string, unknown>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own string field or undefined; never throws. */
export function optionalString(from: Json, key: string): string | undefined {
  const value = from[key]
  return typeof value === 'string' ? value : undefined
}

export function optionalNumber(from: Json, key: string): number | undefined {
  const value = from[key]
  return typeof value === 'number' ? value : undefined
}

/** `where` is the path shown in the error: `api/kernels[0]`. */
export function expectObject(value: unknown, where: string): Json {
  if (!isObject(value)) throw wrong(where, 'an object', value)
  return value
}

export function expectArray(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(where, 'a list', value)
  return value
}

export function expectString(from: Json, key: string, where: string): string {
  const value = from[key]
  if (typeof value !== 'string') throw wrong(`${where}.${key}`, 'a string', value)
  return value
}

function wrong(where: string, wanted: string, got: unknown): JupyterError {
  const kind = got === null ? 'null' : Array.isArray(got) ? 'a list' : got === undefined ? 'nothing' : `a ${typeof got}`
  return new JupyterError('PROTOCOL', `the server's answer is not Jupyter's: ${where} should be ${wanted}, not ${kind}`)
}

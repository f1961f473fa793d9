import {readFile} from 'node:fs/promises'
import {basename, dirname, extname} from 'node:path'
import {errors, type HookHost, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress, nameOf} from '../addresses/address.ts'
import type {Notebook} from '../format/model.ts'
import {parseNotebook, readNotebook, readStdin} from '../format/read.ts'
import {languageOfFile} from '../language.ts'

export interface Source {
  notebook: Notebook
  /** its name without its ending */
  name: string
  /** undefined: it came by stdin, or from an address */
  folder: string | undefined
}

/** Reads a notebook, or a script in the percent format, told by its ending; on stdin by how it begins. Throws as readNotebook does, and PERCENT_HEADER (65). */
export async function readSource(path: string, host?: HookHost): Promise<Source> {
  if (path === '-') return {notebook: await fromStdin(), name: 'notebook', folder: undefined}
  if (isAddress(path)) return {notebook: await readNotebook(path, host), name: nameOf(path).replace(/\.ipynb$/i, ''), folder: undefined}
  const extension = extname(path)
  const place = {name: basename(path, extension) || 'notebook', folder: dirname(path)}
  const language = languageOfFile(extension)
  if (!language) return {notebook: await readNotebook(path), ...place}
  const {percentNotebook} = await import('./percent/read.ts')
  return {notebook: percentNotebook(await scriptText(path), language), ...place}
}

async function fromStdin(): Promise<Notebook> {
  const text = await readStdin()
  const script = /^\uFEFF?\s*#/.test(text) ? languageOfFile('.py') : undefined
  return script ? (await import('./percent/read.ts')).percentNotebook(text, script) : parseNotebook(text, 'stdin')
}

async function scriptText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw errors.notFound(`${sanitizeLine(path)}: ${missing ? 'there is no such file' : 'it cannot be read'}`, {code: 'NOTEBOOK_NOT_FOUND', category: 'file', fix: 'give the path of an .ipynb file or of a script', cause: error})
  }
}

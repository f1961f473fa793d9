import {randomBytes} from 'node:crypto'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {computer, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {parseNotebook} from '../format/read.ts'
import {readNotebook} from './client.ts'
import type {Drive} from './drive.ts'

/** What Colab itself writes into the metadata of a new notebook, by what is chosen in its dialogue. */
const accelerators: Record<string, {accelerator?: string; gpuType?: string}> = {
  default: {},
  gpu: {accelerator: 'GPU', gpuType: 'T4'},
  tpu: {accelerator: 'TPU', gpuType: 'V5E1'},
}

/** An empty notebook as Colab makes it: format 4.0, one code cell with an id in its metadata. */
function fresh({accelerator, gpuType}: {accelerator?: string; gpuType?: string}): string {
  return `${JSON.stringify({
    nbformat: 4, nbformat_minor: 0,
    metadata: {
      colab: {provenance: [], ...(gpuType === undefined ? {} : {gpuType})},
      kernelspec: {name: 'python3', display_name: 'Python 3'},
      language_info: {name: 'python'},
      ...(accelerator === undefined ? {} : {accelerator}),
    },
    cells: [{cell_type: 'code', source: [], metadata: {id: randomBytes(9).toString('base64url')}, execution_count: null, outputs: []}],
  }, undefined, 2)}\n`
}

/**
 * The text of a new notebook: `default`, `gpu`, `tpu`; a name in `folder`, which holds the user's own; a path; an address of the web;
 * `drive:REF`. Throws UNKNOWN_TEMPLATE (64), FETCH_FAILED (69), and what is wrong with it as a notebook (65).
 */
export async function templateText(template: string, {folder, drive}: {folder: string; drive: Drive}): Promise<string> {
  if (Object.hasOwn(accelerators, template)) return fresh(accelerators[template] ?? {})
  const text = await textOf(template, folder, drive)
  parseNotebook(text, sanitizeLine(template, 200))
  return text
}

async function textOf(template: string, folder: string, drive: Drive): Promise<string> {
  if (/^drive:/i.test(template)) return (await readNotebook(drive, template)).bytes.toString('utf8')
  if (/^https?:\/\//i.test(template)) {
    const answer = await computer.fetch(template)
    if (answer.status === 200) return answer.text()
    throw errors.network(`${sanitizeLine(new URL(template).host, 100)} does not give the template: status ${answer.status}`, {code: 'FETCH_FAILED', fix: 'open the address in a browser: it must lead to the .ipynb file itself'})
  }
  const own = /[/\\]|\.ipynb$/i.test(template) ? template : join(folder, `${template}.ipynb`)
  try {
    return await readFile(own, 'utf8')
  } catch (error) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.ipynb')).map((name) => sanitizeLine(name.slice(0, -'.ipynb'.length), 60))
    throw errors.usage(`there is no template ${sanitizeLine(template, 200)}`, {
      code: 'UNKNOWN_TEMPLATE', category: 'file', cause: error,
      fix: `choose of: ${[...Object.keys(accelerators), ...names].slice(0, 30).join(', ')}, give a path or an address, or put one into ${sanitizeLine(folder)}`,
    })
  }
}

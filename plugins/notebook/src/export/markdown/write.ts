import type {Cell, DisplayOutput, Notebook, Output} from '../../format/model.ts'
import {cellLanguage} from '../../highlight.ts'
import {languageName} from '../../language.ts'
import type {Exported, ExportOptions} from '../exporter.ts'
import {pictureUri} from '../html/images.ts'
import {choose, imageType, isObjectName, lastStates} from '../mime.ts'
import {visibleCells} from '../visible.ts'
import {fenced, plainText} from './fence.ts'

/** Pictures first: a Markdown reader shows no HTML of a program's. */
const order = ['image/svg+xml', 'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'text/markdown', 'text/latex', 'text/plain', 'application/json', 'text/html']

/** The notebook as Markdown; pictures are files in NAME_files, or within the text. */
export function markdownText(notebook: Notebook, options: ExportOptions): Exported {
  const pictures = new Pictures(options)
  const language = languageName(notebook)
  const parts: string[] = []
  for (const [index, {cell, input, outputs}] of visibleCells(notebook, options).entries()) {
    if (cell.cell_type !== 'code') {
      const format = cell.metadata['raw_mimetype'] ?? cell.metadata['format']
      if (cell.cell_type === 'markdown' || format === undefined || format === '' || format === 'text/markdown') parts.push(`${withAttachments(cell, `${index + 1}`, pictures)}\n`)
      continue
    }
    if (input && cell.source.trim() !== '') parts.push(fenced(cell.source, cellLanguage(cell.source) === undefined ? language : ''))
    for (const [number, output] of outputs.entries()) parts.push(shown(output, `${index + 1}_${number + 1}`, pictures))
  }
  return {content: parts.filter((part) => part.trim() !== '').join('\n'), files: pictures.files}
}

function shown(output: Output, place: string, pictures: Pictures): string {
  if (output.output_type === 'stream') return fenced(plainText(lastStates(output.text)), 'text')
  if (output.output_type === 'error') return fenced(plainText(output.traceback.length > 0 ? output.traceback.join('\n') : `${output.ename}: ${output.evalue}`), 'text')
  return display(output, place, pictures)
}

function display(output: DisplayOutput, place: string, pictures: Pictures): string {
  const chosen = choose(output, order)
  if (!chosen) return `*[${Object.keys(output.data).map((mime) => mime.replaceAll(/[^\w/+.-]/g, '')).join(', ')}]*\n`
  const {mime, data} = chosen
  if (mime.startsWith('image/')) {
    const plain = output.data['text/plain']
    const link = pictures.add(place, mime, data)
    if (link !== undefined) return `![${alternative(plain)}](${link})\n`
    return fenced(typeof plain === 'string' ? plainText(plain) : mime, 'text')
  }
  if (mime === 'text/markdown' || mime === 'text/latex') return `${data.trimEnd()}\n`
  return fenced(plainText(lastStates(data)), mime === 'text/plain' ? 'text' : mime === 'text/html' ? 'html' : 'json')
}

/** What stands for a picture; `<Figure size 640x480 with 1 Axes>` without what readers take for HTML. */
const alternative = (plain: unknown): string => (typeof plain === 'string' && !isObjectName(plain) ? plain.replaceAll(/[[\]<>\\]/g, '').replaceAll('\n', ' ').slice(0, 200) : 'output')

/** The text with links to the pictures that are attached to the cell. */
function withAttachments(cell: Cell, place: string, pictures: Pictures): string {
  const attachments = cell.cell_type === 'code' ? undefined : cell.attachments
  if (!attachments) return cell.source
  return cell.source.replaceAll(/attachment:([^\s)"'>]+)/g, (all, name: string) => {
    const bundle = attachments[decode(name)] ?? attachments[name]
    const [mime, data] = Object.entries(bundle ?? {}).find(([type]) => type.startsWith('image/')) ?? []
    return (mime !== undefined && typeof data === 'string' ? pictures.add(`${place}_${name}`, mime, data) : undefined) ?? all
  })
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The pictures of a notebook, with names that are made here: nothing of a name in the notebook can leave the folder. */
class Pictures {
  readonly files = new Map<string, Uint8Array>()
  readonly #name: string
  readonly #embed: boolean

  constructor({name, embedImages}: ExportOptions) {
    this.#name = name.replaceAll(/[^\w.-]/g, '_').replace(/^\.+/, '') || 'notebook'
    this.#embed = embedImages
  }

  /** The link to it; undefined: it is no picture. */
  add(place: string, mime: string, data: string): string | undefined {
    if (this.#embed) return pictureUri(mime, data)
    const svg = mime === 'image/svg+xml'
    const bytes = Buffer.from(data, svg ? 'utf8' : 'base64')
    const type = svg ? 'svg' : imageType(bytes)
    if (type === undefined) return undefined
    const base = place.replaceAll(/[^\w-]/g, '_').slice(0, 80)
    const ending = type === 'jpeg' ? 'jpg' : type
    let path = `${this.#name}_files/${this.#name}_${base}.${ending}`
    for (let more = 2; this.files.has(path); more++) path = `${this.#name}_files/${this.#name}_${base}_${more}.${ending}`
    this.files.set(path, bytes)
    return path
  }
}

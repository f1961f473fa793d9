import {join} from 'node:path'
import type {Display} from '@cgpu/core/execution/events'
import {htmlToText, imageProtocol, inlineImage} from '@cgpu/plugin-sdk/render'
import type {Env} from './terminal.ts'

export interface DisplayOptions {
  /** where an image is saved that the terminal cannot show */
  imageDir: string
  /** name of the next image file, without its ending */
  imageName: () => string
  /** stdout is a terminal */
  terminal: boolean
  env?: Env
}

/** What to do with a rich result; none of it: there is nothing to show. */
export interface RenderedDisplay {
  /** written to the terminal as it is */
  inline?: string
  /** remote text: goes through the terminal filter */
  text?: string
  /** path of a file that was written */
  saved?: string
}

const images: [mime: string, ending: string][] = [['image/png', 'png'], ['image/jpeg', 'jpg'], ['image/gif', 'gif'], ['image/webp', 'webp'], ['image/svg+xml', 'svg']]

/** A bundle's text: kernels send strings, notebooks lists of lines. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.every((line) => typeof line === 'string') ? value.join('') : undefined
}

async function save(bytes: Uint8Array | string, ending: string, {imageDir, imageName}: DisplayOptions): Promise<string> {
  const [{mkdir, writeFile}, {cannotWrite}] = await Promise.all([import('node:fs/promises'), import('@cgpu/core/state/write-error')])
  const path = join(imageDir, `${imageName().replaceAll(/[^\w.-]/g, '_')}.${ending}`)
  try {
    await mkdir(imageDir, {recursive: true})
    await writeFile(path, bytes)
  } catch (error) {
    throw cannotWrite(path, error)
  }
  return path
}

async function renderImage(display: Display, options: DisplayOptions): Promise<RenderedDisplay | undefined> {
  for (const [mime, ending] of images) {
    const data = textOf(display.data[mime])
    if (data === undefined) continue
    const bytes = ending === 'svg' ? data : Buffer.from(data, 'base64')
    const protocol = options.terminal && typeof bytes !== 'string' && ending === 'png' ? imageProtocol(options.env) : undefined
    if (protocol !== undefined && typeof bytes !== 'string') return {inline: inlineImage(bytes, protocol)}
    return {saved: await save(bytes, ending, options)}
  }
  return undefined
}

/**
 * The richest form that can be shown: an image inline or as a file, plain text, else HTML with its tables as columns.
 * Throws CANNOT_WRITE when an image cannot be saved.
 */
export async function renderDisplay(display: Display, options: DisplayOptions): Promise<RenderedDisplay> {
  const image = await renderImage(display, options)
  if (image) return image
  const plain = textOf(display.data['text/plain'])
  const html = textOf(display.data['text/html'])
  // a DataFrame's plain text is a table already; a styled one's is only `<pandas.io.formats.style.Styler at 0x…>`
  if (html !== undefined && (plain === undefined || /^<[\w.]+( object)?( at 0x[\da-f]+)?>$/i.test(plain.trim()))) {
    const text = htmlToText(html)
    if (text !== '') return {text}
  }
  const text = plain ?? textOf(display.data['text/markdown']) ?? textOf(display.data['text/latex'])
  if (text !== undefined) return {text}
  const json = display.data['application/json']
  return json === undefined ? {} : {text: JSON.stringify(json, null, 2)}
}

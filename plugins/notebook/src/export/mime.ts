import type {DisplayOutput, MimeBundle} from '../format/model.ts'

/** Data types that are shown, the richest first, as Jupyter ranks them. */
const ranks = ['text/html', 'text/markdown', 'image/svg+xml', 'text/latex', 'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'text/plain', 'application/json']

export interface Chosen {
  mime: string
  data: string
}

export const isJsonMime = (mime: string): boolean => mime === 'application/json' || /^application\/.*\+json$/.test(mime)

/** `<IPython.core.display.HTML object>`: says less than what else the output has. */
const objectName = /^<[\w.]+( object)?( at 0x[\da-f]+)?>$/i
export const isObjectName = (text: string): boolean => objectName.test(text.trim())

/** What an output shows. JSON comes as text. Undefined: it has nothing that can be shown without its own program (a widget's view). */
export function choose({data}: Pick<DisplayOutput, 'data'>, order: readonly string[] = ranks): Chosen | undefined {
  let name: Chosen | undefined
  for (const mime of order) {
    const text = textOf(data, mime)
    if (text === undefined) continue
    if (mime !== 'text/plain' || !isObjectName(text)) return {mime, data: text}
    name = {mime, data: text}
  }
  return name
}

/** The types of an output that cannot be shown, for its place. */
export const typesOf = (data: MimeBundle): string => Object.keys(data).join(', ')

function textOf(data: MimeBundle, mime: string): string | undefined {
  const value = data[mime]
  if (value === undefined) return undefined
  return isJsonMime(mime) ? JSON.stringify(value, null, 2) : typeof value === 'string' ? value : undefined
}

/** What a raster image's bytes are: the type that a notebook says is not believed. Undefined: it is none. */
export function imageType(bytes: Uint8Array): 'png' | 'jpeg' | 'gif' | 'webp' | undefined {
  const ascii = (from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to))
  if (bytes[0] === 0x89 && ascii(1, 4) === 'PNG') return 'png'
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg'
  if (ascii(0, 4) === 'GIF8') return 'gif'
  return ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP' ? 'webp' : undefined
}

/** What a terminal would show of text with carriage returns in it: a progress bar's last state. */
export function lastStates(text: string): string {
  if (!text.includes('\r')) return text
  return text.replaceAll('\r\n', '\n').split('\n').map((line) => line.split('\r').findLast((part) => part !== '') ?? '').join('\n')
}

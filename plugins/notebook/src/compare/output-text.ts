import {createHash} from 'node:crypto'
import type {MimeBundle, Output} from '../format/model.ts'

/** An output as lines that can be compared: text as it is, of images and other data a digest. */
export function outputLines(output: Output): string {
  if (output.output_type === 'stream') return `[${output.name}]\n${ended(output.text)}`
  if (output.output_type === 'error') return `[error]\n${ended(output.traceback.length > 0 ? output.traceback.join('\n') : `${output.ename}: ${output.evalue}`)}`
  return Object.entries(output.data).sort(([a], [b]) => (a < b ? -1 : 1)).map(([mime, value]) => `[${mime}]\n${ended(dataText(mime, value))}`).join('')
}

export function dataText(mime: string, value: MimeBundle[string]): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2)
  const text = mime.startsWith('text/') || mime === 'image/svg+xml' || mime === 'application/javascript'
  return text ? value : `${Math.floor((value.replaceAll(/\s/g, '').length * 3) / 4)} bytes, sha256 ${createHash('sha256').update(value.replaceAll(/\s/g, '')).digest('hex').slice(0, 12)}`
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

import {extname} from 'node:path'
import {isNative, mime} from './model.ts'

const byExtension: Record<string, string> = {
  '.ipynb': mime.colab, '.txt': 'text/plain', '.log': 'text/plain', '.md': 'text/markdown', '.csv': 'text/csv', '.tsv': 'text/tab-separated-values',
  '.json': 'application/json', '.py': 'text/x-python', '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.xml': 'text/xml', '.yaml': 'application/x-yaml', '.yml': 'application/x-yaml',
  '.sh': 'application/x-sh', '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.gif': 'image/gif', '.webp': 'image/webp', '.svg': 'image/svg+xml', '.pdf': 'application/pdf',
  '.zip': 'application/zip', '.gz': 'application/gzip', '.tar': 'application/x-tar', '.mp4': 'video/mp4', '.mp3': 'audio/mpeg', '.wav': 'audio/wav',
}

/** What a file in a folder is, by its name. */
export const typeOfName = (name: string): string => byExtension[extname(name).toLowerCase()] ?? mime.binary

/**
 * What uploaded bytes are: as the metadata says, else as their own header says, else by the name. A notebook counts as
 * Colab's own type also when it comes as JSON.
 */
export function typeOfUpload({said, header, name, before}: {said?: string | null | undefined; header: string; name: string; before?: string | undefined}): string {
  if (said !== undefined && said !== null && said !== '') return said
  const type = header.split(';')[0]?.trim().toLowerCase() ?? ''
  const vague = type === '' || type === mime.binary
  const notebook = before === mime.colab || typeOfName(name) === mime.colab
  if (notebook && (vague || type === 'application/json' || type === 'application/x-ipynb+json')) return mime.colab
  if (!vague) return type
  return before ?? typeOfName(name)
}

/** Whether `fullText` looks into it. */
export const isText = (type: string): boolean => !isNative(type) && (type.startsWith('text/') || type === mime.colab || /^application\/(?:json|x-yaml|x-sh|xml|x-ipynb\+json)$/.test(type))

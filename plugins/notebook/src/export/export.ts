import {mkdir, stat} from 'node:fs/promises'
import {basename, dirname, extname, join} from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {errors, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import type {Exported, ExportOptions, Format} from './exporter.ts'
import type {Place} from './places.ts'
import type {Source} from './source.ts'

export interface ExportResult {
  notebook: string
  /** the file that was written; `-`: it was printed */
  output: string
  format: string
  /** files beside it: pictures */
  files: string[]
}

/** Writes one notebook in the format. Throws CANNOT_WRITE (73), and what the format does. */
export async function exportTo({from, to}: Place, {source, format, options}: {source: Source; format: Format; options: Omit<ExportOptions, 'name' | 'folder'>}): Promise<ExportResult> {
  const name = to === '-' ? source.name : basename(to, extname(to))
  const exported = await format.write(source.notebook, {...options, name, folder: source.folder, embedImages: options.embedImages || to === '-'})
  const files: string[] = []
  if (to === '-') await print(exported)
  else {
    await makeFolder(dirname(to))
    // before the text that names them
    for (const [path, bytes] of exported.files ?? []) {
      const file = join(dirname(to), path)
      await makeFolder(dirname(file))
      await writeAtomic(file, bytes, {mode: 0o666})
      files.push(file)
    }
    const there = await stat(to).catch(() => undefined)
    if (there?.isDirectory()) throw errors.cannotWrite(`${sanitizeLine(to)} is a folder`, {code: 'CANNOT_WRITE', fix: 'give the path of a file with -o'})
    await writeAtomic(to, exported.content, {mode: there ? there.mode & 0o777 : 0o666, followLink: true})
  }
  return {notebook: from, output: to, format: format.name, files}
}

async function print({content}: Exported): Promise<void> {
  if (content instanceof Uint8Array && process.stdout.isTTY) throw errors.usage('that is no text, and stdout is a terminal', {code: 'USAGE', fix: 'give -o FILE, or redirect it'})
  await pipeline(Readable.from(typeof content === 'string' || content instanceof Uint8Array ? [content] : content), process.stdout, {end: false})
}

/** With the permissions that the user's folders have. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, {recursive: true})
  } catch (error) {
    throw errors.cannotWrite(`the folder ${sanitizeLine(path)} cannot be made`, {code: 'CANNOT_WRITE', fix: 'give another place with -o', cause: error})
  }
}

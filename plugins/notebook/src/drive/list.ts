import type {Drive} from './drive.ts'
import {type DriveFile, isNotebook, mime} from './files.ts'
import {quoted} from './refs.ts'

export interface ListOptions {
  /** words that begin somewhere in the name */
  query?: string | undefined
  trashed?: boolean | undefined
  /** id of the folder */
  folder?: string | undefined
  limit?: number | undefined
}

/** In Drive's words. Whatever a name merely holds is looked at again by `isNotebook`. */
export function notebookQuery({query, trashed = false, folder}: ListOptions): string {
  return [
    `(mimeType = ${quoted(mime.colab)} or mimeType = ${quoted(mime.jupyter)} or name contains '.ipynb')`,
    `trashed = ${trashed}`,
    ...(folder === undefined ? [] : [`${quoted(folder)} in parents`]),
    ...(query === undefined ? [] : [`name contains ${quoted(query)}`]),
  ].join(' and ')
}

/** Newest first. */
export async function listNotebooks(drive: Drive, options: ListOptions = {}): Promise<DriveFile[]> {
  const {limit = Infinity} = options
  const found: DriveFile[] = []
  if (limit <= 0) return found
  for await (const file of drive.list(notebookQuery(options), {pageSize: Math.min(1000, Math.max(100, limit))})) {
    if (isNotebook(file)) found.push(file)
    if (found.length >= limit) break
  }
  return found
}

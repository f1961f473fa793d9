import {expectObject, expectString, optionalNumber, optionalString} from './guard.ts'

/** A file or folder of the contents API. */
export interface ContentsModel {
  name: string
  path: string
  /** `file`, `directory`, `notebook`, or what a server adds */
  type: string
  /** bytes; absent for folders */
  size?: number | undefined
  /** ISO time */
  lastModified?: string | undefined
  /** `text`, `base64` or `json`; absent without content */
  format?: string | undefined
  /** text by `format`, a notebook as JSON, or a folder's list, as the server sent it */
  content?: unknown
}

export type PutContents = {type: 'file'; format: 'text' | 'base64'; content: string} | {type: 'directory'} | {type: 'notebook'; format: 'json'; content: object}

export function contentsModel(value: unknown, where: string): ContentsModel {
  const from = expectObject(value, where)
  return {
    name: expectString(from, 'name', where),
    path: expectString(from, 'path', where),
    type: expectString(from, 'type', where),
    size: optionalNumber(from, 'size'),
    lastModified: optionalString(from, 'last_modified'),
    format: optionalString(from, 'format'),
    content: from['content'] ?? undefined,
  }
}

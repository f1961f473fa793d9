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
  /** hex, where it was asked for and the server knows it (jupyter_server 2.11) */
  sha256?: string | undefined
}

/** `chunk`: 1 begins the file anew, those behind it are appended as they come (never send one twice), -1 is the last. */
export type PutContents = {type: 'file'; format: 'text' | 'base64'; content: string; chunk?: number} | {type: 'directory'} | {type: 'notebook'; format: 'json'; content: object}

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
    sha256: from['hash_algorithm'] === 'sha256' ? optionalString(from, 'hash') : undefined,
  }
}

/** What is in a folder, of an answer for it with its content. */
export function contentsOfFolder({content, path}: ContentsModel): ContentsModel[] {
  return Array.isArray(content) ? content.map((each: unknown, index) => contentsModel(each, `${path}[${index}]`)) : []
}

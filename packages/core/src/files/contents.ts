import type {ContentsModel, JupyterServer} from '@cgpu/jupyter'
import type {Slots} from '../agent/transfer.ts'
import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import type {Entry} from './side.ts'

/** A machine's files by its server's contents API alone: for servers without a Python kernel, where no agent can be. */
export interface ContentsOptions {
  /** of the runtime */
  name: string
  /** below the server's own folder; '' is that */
  path: string
  signal?: AbortSignal | undefined
}

/** Requests that are under way at once. */
export const contentsAtOnce = 4

/** A path as the API has it: below the server's folder, without a slash at its ends. Throws PATH_OUTSIDE (64). */
export function contentsPath(name: string, path: string): string {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (path.startsWith('/') || parts.includes('..')) {
    throw errors.usage(`${name} has no Python kernel: only files below its server's folder can be reached, not ${sanitizeLine(path, 200)}`, {
      code: 'PATH_OUTSIDE', category: 'file', fix: 'give a path below that folder, or install ipykernel there',
    })
  }
  return parts.join('/')
}

/** A path below a folder; '' is the server's own folder, or the folder itself. */
export function below(folder: string, path: string): string {
  return folder === '' || path === '' ? folder + path : `${folder.replace(/\/$/, '')}/${path}`
}

/** Works on all of them, as many at once as there are slots. */
export async function eachInSlots<T, R>(slots: Slots, things: readonly T[], work: (thing: T) => Promise<R>): Promise<R[]> {
  return Promise.all(things.map(async thing => {
    const release = await slots.take()
    try {
      return await work(thing)
    } finally {
      release()
    }
  }))
}

/** The API tells no modes, and nothing of links. */
export function entryOfContents(model: ContentsModel, path: string): Entry {
  const folder = model.type === 'directory'
  const milliseconds = Date.parse(model.lastModified ?? '')
  return {
    path, kind: folder ? 'folder' : 'file', size: folder ? 0 : (model.size ?? 0), mtime: Number.isNaN(milliseconds) ? 0 : milliseconds * 1000, mode: folder ? 0o755 : 0o644,
  }
}

/** What is there, or undefined. */
export async function lookAt(server: JupyterServer, path: string, signal: AbortSignal | undefined): Promise<ContentsModel | undefined> {
  try {
    return await server.getContents(path, {content: false, signal})
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return undefined
    throw error
  }
}

/** An answer about one file in the user's terms; anything else as it is. */
export function aboutFile(error: unknown, label: string, doing: 'read' | 'write'): unknown {
  const code = codeOf(error)
  if (!(error instanceof Error) || code === undefined) return error
  const shown = sanitizeLine(label, 200)
  if (doing === 'read' && code === 'NOT_FOUND') return errors.notFound(`there is no file ${shown}, or its server hides it`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path', cause: error})
  const refused = code === 'NOT_FOUND' || code === 'CONFLICT' || (code === 'AUTH' && statusOf(error) === 403) || (code === 'HTTP' && !isRetryable(error))
  if (!refused) return error
  const make = doing === 'read' ? errors.notFound : errors.cannotWrite
  return make(`cannot ${doing} ${shown}: ${sanitizeLine(error.message, 300)}`, {
    code: doing === 'read' ? 'FILE_NOT_FOUND' : 'CANNOT_WRITE', category: 'file', fix: 'check its permissions there; names that begin with a dot are refused by most servers', cause: error,
  })
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && error.name === 'JupyterError' && 'code' in error ? String(error.code) : undefined
}

export function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true
}

function statusOf(error: Error): number | undefined {
  return 'status' in error && typeof error.status === 'number' ? error.status : undefined
}

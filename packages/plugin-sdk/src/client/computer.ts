/** What is in a folder. */
export interface FolderEntry {
  name: string
  kind: 'file' | 'folder' | 'other'
  /** bytes */
  size: number
}

export interface FetchOptions {
  method?: string
  headers?: Record<string, string>
  body?: Uint8Array | string
}

export interface Fetched {
  status: number
  headers: Record<string, string>
  /** after redirects */
  url: string
  body: Uint8Array
  text: () => string
  json: () => unknown
}

export interface ProgramResult {
  exitStatus: number
  stdout: string
  stderr: string
}

/** The user's own computer, by cgpu. */
export interface Computer {
  /** Capability `files`. Throws FILE_NOT_FOUND (66), FILE_REFUSED (73). */
  readFile(path: string): Promise<Uint8Array>
  /** Capability `files`. Whole, or not at all. */
  writeFile(path: string, data: Uint8Array | string): Promise<void>
  /** Capability `files`. */
  listFolder(path: string): Promise<FolderEntry[]>
  /** Capability `net`. Throws FETCH_FAILED (69). */
  fetch(url: string, options?: FetchOptions): Promise<Fetched>
  /** Capability `exec`. A program, without a shell. Throws PROGRAM_NOT_FOUND (66). */
  run(program: string, args?: readonly string[], options?: {input?: string}): Promise<ProgramResult>
  /** Capability `secrets`. Throws SECRET_NOT_FOUND (66). Runs are given secrets by name: `cgpu.run(argv, {secret: ['HF_TOKEN']})`. */
  secret(name: string): Promise<string>
}

const key = Symbol.for('cgpu.computer')

/** For the host: plugins of this process reach the computer by these from now on; the others are done here. */
export function computerBy(other: Partial<Computer>): void {
  Object.assign(globalThis, {[key]: other})
}

async function way<K extends keyof Computer>(name: K): Promise<Computer[K]> {
  const given = (globalThis as unknown as Record<symbol, Partial<Computer> | undefined>)[key]?.[name] // as computerBy leaves it
  return given ?? (await import('./computer-here.ts')).here[name]
}

/**
 * The user's own computer: the same functions for a plugin that is trusted, and for one that is not, where each needs the capability
 * that its package.json asks for (NOT_GRANTED, 75, without it) and Node's own are denied.
 */
export const computer: Computer = {
  readFile: async (path) => (await way('readFile'))(path),
  writeFile: async (path, data) => (await way('writeFile'))(path, data),
  listFolder: async (path) => (await way('listFolder'))(path),
  fetch: async (url, options) => (await way('fetch'))(url, options),
  run: async (program, args, options) => (await way('run'))(program, args, options),
  secret: async (name) => (await way('secret'))(name),
}

/** Of the bytes that came. */
export function fetched(answer: Pick<Fetched, 'status' | 'headers' | 'url'>, body: Uint8Array): Fetched {
  const text = (): string => new TextDecoder().decode(body)
  const {status, headers, url} = answer
  return {status, headers, url, body, text, json: () => JSON.parse(text()) as unknown}
}

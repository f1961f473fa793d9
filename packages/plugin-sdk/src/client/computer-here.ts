import {spawn} from 'node:child_process'
import {lstat, readdir, readFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join, resolve} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {told} from '@cgpu/core/state/file-refusal'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type Computer, fetched} from './computer.ts'

const placeOf = (path: string): string => (path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : resolve(path))

/** What is denied to nobody: for plugins in cgpu's own process, and their unit tests. */
export const here: Computer = {
  readFile: (path) => told(path, async () => new Uint8Array(await readFile(placeOf(path)))),
  writeFile: (path, data) => told(path, () => writeAtomic(placeOf(path), data, {mode: 0o644, followLink: true})),
  listFolder: (path) => told(path, async () => {
    const entries = await readdir(placeOf(path), {withFileTypes: true})
    return Promise.all(entries.map(async (entry) => ({
      name: entry.name, kind: entry.isFile() ? 'file' as const : entry.isDirectory() ? 'folder' as const : 'other' as const, size: (await lstat(join(placeOf(path), entry.name))).size,
    })))
  }),
  async fetch(url, {method, headers, body} = {}) {
    try {
      const answer = await fetch(url, {...(method === undefined ? {} : {method}), ...(headers === undefined ? {} : {headers}), ...(body === undefined ? {} : {body: typeof body === 'string' ? body : new Uint8Array(body)})})
      return fetched({status: answer.status, headers: Object.fromEntries(answer.headers), url: answer.url}, new Uint8Array(await answer.arrayBuffer()))
    } catch (error) {
      const why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error)
      throw errors.network(`${sanitizeLine(URL.parse(url)?.host ?? url, 200)}: ${sanitizeLine(why, 300)}`, {code: 'FETCH_FAILED', retryable: true, cause: error})
    }
  },
  run(program, args = [], {input = ''} = {}) {
    const child = spawn(program, args, {stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true})
    const text = {stdout: '', stderr: ''}
    for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (chunk: string) => void (text[name] += chunk))
    child.stdin.on('error', () => {}) // it reads nothing
    child.stdin.end(input)
    return new Promise((done, fail) => {
      child.once('error', (error) => fail(errors.notFound(`${sanitizeLine(program, 100)} cannot be run: ${sanitizeLine(error.message, 200)}`, {code: 'PROGRAM_NOT_FOUND', category: 'file', cause: error})))
      child.once('close', (status, signal) => done({exitStatus: signal === null ? (status ?? 1) : 128, ...text}))
    })
  },
  secret: (name) => Promise.reject(errors.notFound(`there is no secret ${sanitizeLine(name, 60)}: cgpu is not here to ask`, {code: 'SECRET_NOT_FOUND', category: 'usage', fix: 'run it by cgpu'})),
}

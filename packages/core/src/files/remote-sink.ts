import type {AgentClient} from '../agent/client.ts'
import {type Answer, type Json, numberOf, textOf} from '../agent/channel.ts'
import type {AgentPart} from '../agent/parts.ts'
import {agentProblem} from '../agent/problem.ts'
import {damaged, frame, rowsOf, unframe} from './frame.ts'
import {entryOf} from './remote-source.ts'
import type {Content, Entry, Failure, Incoming, Runs, Seen, Sink, Writer} from './side.ts'

const lookedAtOnce = 5000

/** A folder of a machine. */
export class RemoteSink implements Sink {
  readonly exists: boolean
  readonly #part: AgentPart
  readonly #name: string
  readonly #base: string
  readonly #signal: AbortSignal | undefined

  constructor(agent: AgentClient, {name, base, exists, signal}: {name: string; base: string; exists: boolean; signal?: AbortSignal | undefined}) {
    this.#part = agent.part('copy')
    this.#name = name
    this.#base = base || '.'
    this.exists = exists
    this.#signal = signal
  }

  label(path: string): string {
    const base = this.#base.replace(/^\.(?:\/|$)/, '')
    return `${this.#name}:${base === '' || path === '' ? base + path : `${base.replace(/\/$/, '')}/${path}`}`
  }

  async look(paths: string[]): Promise<(Seen | undefined)[]> {
    const found: (Seen | undefined)[] = []
    for (let at = 0; at < paths.length; at += lookedAtOnce) {
      const part = paths.slice(at, at + lookedAtOnce)
      const {buffers} = await this.#ask('look', {paths: part})
      const answers = unframe(buffers[0]).header['found']
      for (let i = 0; i < part.length; i++) {
        const row: unknown = Array.isArray(answers) ? answers[i] : undefined
        found.push(Array.isArray(row) ? entryOf(['', ...row as unknown[]]) : undefined)
      }
    }
    return found
  }

  async folders(paths: string[]): Promise<Failure[]> {
    const failures: Failure[] = []
    // the folder itself too, when there is nothing in it
    for (let at = 0; at === 0 || at < paths.length; at += lookedAtOnce) {
      const part = paths.slice(at, at + lookedAtOnce)
      failures.push(...this.#failures(await this.#ask('folders', {paths: part}), part))
    }
    return failures
  }

  async put(files: (Content & {path: string})[]): Promise<Failure[]> {
    const rows = files.map(({path, data, mtime, mode, sha256}) => [path, data.length, mtime, mode & 0o777, sha256])
    const answer = await this.#ask('unpack', {files: rows}, files.map(({data}) => data))
    return this.#failures(answer, files.map(({path}) => path))
  }

  async begin(path: string, {size, mtime, mode, key}: Incoming): Promise<Writer> {
    const {data} = await this.#ask('begin', {path, ...given({size, mtime, mode, key})})
    const writer = textOf(data, 'writer')
    const part = this.#part
    const signal = this.#signal
    return {
      received: numberOf(data, 'received'),
      async write(offset: number, runs: Runs, bytes: Uint8Array) {
        await part.request('write', {writer, offset, runs}, {buffers: [bytes], signal})
      },
      async finish(sha256) {
        await part.request('finish', {writer, sha256}, {signal})
      },
      async drop(keep) {
        await part.request('drop', {writer, keep})
      },
    }
  }

  async settle(links: {path: string; link: string}[], folders: Entry[]): Promise<Failure[]> {
    const failures: Failure[] = []
    for (let at = 0; at < links.length; at += lookedAtOnce) {
      const some = links.slice(at, at + lookedAtOnce)
      const answer = await this.#ask('settle', {links: some.map(({path, link}) => [path, link]), folders: []})
      failures.push(...this.#failures(answer, some.map(({path}) => path)))
    }
    // behind the links: each of these changes the time of its folder
    for (let at = 0; at < folders.length; at += lookedAtOnce) {
      await this.#ask('settle', {links: [], folders: folders.slice(at, at + lookedAtOnce).map(({path, mtime, mode}) => [path, mtime, mode & 0o777])})
    }
    return failures
  }

  #failures({data}: Answer, paths: string[]): Failure[] {
    if (!Array.isArray(data['failed'])) throw damaged('an answer')
    return rowsOf(data, 'failed').map(([index, code, message]) => ({path: paths[Number(index)] ?? '', error: agentProblem({code, message})}))
  }

  #ask(op: string, header: Json, pieces: Uint8Array[] = []): Promise<Answer> {
    return this.#part.request(op, {}, {buffers: [frame({root: this.#base, ...header}, pieces)], signal: this.#signal})
  }
}

function given(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

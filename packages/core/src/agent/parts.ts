import {readPart} from '@cgpu/runtime-agent'
import {abortable} from '../abortable.ts'
import {type AgentChannel, type Answer, type Json, StreamLost} from './channel.ts'
import {remoteCode} from './problem.ts'

/**
 * Operations that the agent has only once they are needed: a Python file beside it, sent to the machine at the first use and kept
 * there by the kernel, under its name and hash. Requests of a part behave as the channel's own do.
 */
export class AgentPart {
  readonly #channel: AgentChannel
  readonly #name: string
  #there: {greeting: number; loading: Promise<void>} | undefined

  /** `name`: the file's, below `packages/runtime-agent/python/parts` */
  constructor(channel: AgentChannel, name: string) {
    this.#channel = channel
    this.#name = name
  }

  /** One answer to one request. Throws what `AgentChannel.request` does. */
  async request(op: string, fields: Json = {}, options: {buffers?: Uint8Array[]; signal?: AbortSignal | undefined} = {}): Promise<Answer> {
    for (;;) {
      const part = await this.#load(options.signal)
      try {
        return await this.#channel.request(op, {...fields, part}, options)
      } catch (error) {
        this.#forgetIfGone(error)
      }
    }
  }

  /** An operation that pushes. `answer` rejects with StreamLost when pushes may be missing, or the kernel was restarted before it began. */
  async stream(op: string, fields: Json, onPush: (answer: Answer) => void, signal: AbortSignal | undefined, buffers: Uint8Array[] = []): Promise<ReturnType<AgentChannel['stream']>> {
    const part = await this.#load(signal)
    const stream = this.#channel.stream(op, {...fields, part}, onPush, signal, buffers)
    const answer = stream.answer.catch((error: unknown) => {
      this.#forgetIfGone(error)
      throw new StreamLost()
    })
    answer.catch(() => undefined) // whoever asked may still be on its way to it
    return {...stream, answer}
  }

  /** The name of its file in the agent's folder, without `.py`, once it is there: for processes of its own. */
  async ready(signal?: AbortSignal): Promise<string> {
    return this.#load(signal)
  }

  /** A message that nobody answers, of an operation whose stream has begun. Resolves when it left, or could not. */
  async tell(op: string, fields: Json, buffers: Uint8Array[]): Promise<void> {
    await this.#channel.tell(op, {...fields, part: readPart(this.#name).id}, buffers)
  }

  /** The name that requests call it by, once the kernel has it. */
  async #load(signal: AbortSignal | undefined): Promise<string> {
    const {id, source} = readPart(this.#name)
    const greeting = this.#channel.greetings
    if (this.#there?.greeting !== greeting) {
      const loading = this.#send(id, source)
      this.#there = {greeting, loading}
      loading.catch(() => (this.#there = undefined))
    }
    await abortable(this.#there.loading, signal)
    return id
  }

  async #send(name: string, source: Uint8Array): Promise<void> {
    const {data} = await this.#channel.request('load', {name})
    if (data['loaded'] !== true) await this.#channel.request('load', {name}, {buffers: [source]})
  }

  /** A kernel that was restarted knows no parts; any other error is the caller's. */
  #forgetIfGone(error: unknown): void {
    if (remoteCode(error) !== 'NO_PART') throw error
    this.#there = undefined
  }
}

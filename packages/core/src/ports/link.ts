import {randomBytes} from 'node:crypto'
import type {AgentClient} from '../agent/client.ts'
import {type Answer, numberOf, StreamLost} from '../agent/channel.ts'
import type {AgentPart} from '../agent/parts.ts'
import {remoteCode} from '../agent/problem.ts'
import {freeBuffers} from '../memory.ts'
import {FrameKind, frameHeader} from './frames.ts'

export interface LinkOptions {
  /** the agent on the machine, found anew whenever its kernel has gone. What it throws ends what is open */
  agent: () => Promise<AgentClient>
  /** by which others can have the machine end it when this process is gone */
  owner?: string | undefined
  /** a batch of frames, each once and in order */
  onBatch: (batch: Uint8Array) => void
  /** what the other end knew is gone: its connections are */
  onLost: (error: Error) => void
}

/** a batch is sent at once while fewer are under way; then what is to be said gathers */
const underWay = 8
const batchBytes = 1 << 20
const resendAfterMs = 10_000
/** the machine ends the connections of whoever gives no sign of life for ten minutes */
const signAfterMs = 30_000
/** bytes between two looks for buffers that can be freed */
const freeEvery = 2 << 20

/** In ms. An open goes with the first data, an end with the next open: every message costs the machine a millisecond. */
const unhurried: ReadonlyMap<FrameKind, number> = new Map([[FrameKind.open, 1], [FrameKind.eof, 4]])

interface Batch {
  number: number
  bytes: Uint8Array
}

/**
 * Batches of frames to and from the agent's end of a tunnel, numbered in both directions: what the link lost on its way is sent
 * again, what came twice is dropped. Begins when something is said, and can be ended and begun again.
 */
export class TunnelLink {
  readonly #options: LinkOptions
  #name = ''
  #part: AgentPart | undefined
  #stop: AbortController | undefined
  /** the agent's end hears us */
  #attached = false
  #again: (() => void) | undefined
  #sent = 0
  #received = 0
  #confirmed = 0
  /** what was confirmed last, and when it was */
  #progressAt = 0
  /** something was said last */
  #saidAt = 0
  #unconfirmed: Batch[] = []
  #pending: Uint8Array[] = []
  #flushing = false
  #later: NodeJS.Timeout | undefined
  #passed = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  get open(): boolean {
    return this.#stop !== undefined
  }

  /** Sent with whatever else is said until the loop comes round, or, when it is in no hurry, in some milliseconds. */
  say(kind: FrameKind, connection: number, payload: Uint8Array): void {
    this.#pending.push(frameHeader(kind, connection, payload.length), payload)
    if (!this.#stop) this.#begin()
    const patience = unhurried.get(kind)
    if (patience !== undefined) {
      // what waits for longer goes with it
      if (kind === FrameKind.open) clearTimeout(this.#later)
      if (kind === FrameKind.open || !this.#later) this.#later = setTimeout(() => this.#flush(), patience)
      return
    }
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  /** An operation of the agent's end, which is there once this link has begun. */
  async request(op: string, fields: Record<string, unknown>): Promise<Record<string, unknown>> {
    if (!this.#stop) this.#begin()
    await this.#ready()
    if (!this.#part) throw new Error('the tunnel was ended')
    return (await this.#part.request(op, {tunnel: this.#name, ...fields})).data
  }

  /** Ends the agent's end with all that is open there. */
  async end(): Promise<void> {
    const [part, name] = [this.#part, this.#name]
    this.#forget(new Error('the tunnel was ended'))
    if (part && name) await part.request('close', {tunnel: name}, {signal: AbortSignal.timeout(2_000)}).catch(() => undefined) // it ends by itself too
  }

  #waiting: {resolve: () => void; reject: (error: Error) => void}[] = []

  #ready(): Promise<void> {
    if (this.#attached) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({resolve, reject}))
  }

  #begin(): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#name = randomBytes(16).toString('hex')
    this.#sent = this.#received = this.#confirmed = 0
    this.#run(this.#name, stop.signal).catch((error: unknown) => {
      if (this.#stop !== stop) return
      const reason = error instanceof Error ? error : new Error(String(error))
      this.#forget(reason)
      this.#options.onLost(reason)
    })
  }

  #forget(reason: Error): void {
    this.#stop?.abort(reason)
    this.#stop = undefined
    this.#part = undefined
    this.#attached = false
    this.#unconfirmed = []
    this.#pending = []
    for (const {reject} of this.#waiting.splice(0)) reject(reason)
  }

  /** Attaches, and again whenever the link was lost or something of it was; ends by an error only. */
  async #run(tunnel: string, signal: AbortSignal): Promise<never> {
    for (let known = false; ; ) {
      const agent = await this.#options.agent()
      signal.throwIfAborted()
      const part = agent.part('ports')
      const again = new Promise<void>((resolve) => (this.#again = resolve))
      const stream = await part.stream('tunnel', {tunnel, received: this.#received, known, ...(this.#options.owner !== undefined && {owner: this.#options.owner})}, (answer) => {
        if (signal.aborted) return
        if (answer.data['attached'] === true) known = true
        this.#pushed(part, answer)
      }, signal)
      try {
        const ended = await Promise.race([stream.answer, again])
        // the machine's end was silent for too long on our side, or was closed there
        if (ended?.data['closed'] === true) throw new Error('the machine ended the tunnel')
      } catch (error) {
        if (remoteCode(error) === 'NOT_FOUND') throw new Error('the kernel that held the connections was restarted', {cause: error})
        if (!(error instanceof StreamLost)) throw error
      } finally {
        this.#attached = false
        stream.cancel()
      }
    }
  }

  #pushed(part: AgentPart, {data, buffers}: Answer): void {
    const [number, confirmed] = [numberOf(data, 'seq'), numberOf(data, 'ack')]
    if (confirmed > this.#confirmed) {
      this.#confirmed = confirmed
      this.#progressAt = performance.now()
      while ((this.#unconfirmed[0]?.number ?? Infinity) <= confirmed) this.#unconfirmed.shift()
    }
    if (data['attached'] === true) {
      this.#part = part
      this.#attached = true
      this.#sendAgain()
      for (const {resolve} of this.#waiting.splice(0)) resolve()
      return this.#flush()
    }
    const [batch] = buffers
    if (batch ? number > this.#received + 1 : number > this.#received) return this.#again?.() // some were lost: it has them
    if (batch && number === this.#received + 1) {
      this.#received = number
      this.#options.onBatch(batch)
      this.#passed += batch.length
      if (this.#passed >= freeEvery) {
        this.#passed = 0
        freeBuffers()
      }
    }
    const late = this.#unconfirmed.length > 0 && performance.now() - this.#progressAt > resendAfterMs
    if (data['hole'] === true || late) this.#sendAgain()
    this.#flush()
    if (performance.now() - this.#saidAt > signAfterMs) this.#confirm()
  }

  #confirm(): void {
    this.#saidAt = performance.now()
    void this.#part?.tell('frames', {tunnel: this.#name, ack: this.#received}, [])
  }

  #sendAgain(): void {
    this.#progressAt = performance.now()
    for (const batch of this.#unconfirmed) this.#send(batch)
    // what was received is told in any case: the other end keeps it until then
    if (this.#unconfirmed.length === 0) this.#confirm()
  }

  #flush(): void {
    clearTimeout(this.#later)
    this.#later = undefined
    while (this.#attached && this.#pending.length > 0 && this.#unconfirmed.length < underWay) {
      if (this.#unconfirmed.length === 0) this.#progressAt = performance.now()
      const batch = {number: ++this.#sent, bytes: this.#nextBatch()}
      this.#unconfirmed.push(batch)
      this.#send(batch)
    }
  }

  #nextBatch(): Uint8Array {
    let [size, count] = [0, 0]
    // a header and its payload stay together
    while (count < this.#pending.length && (size < batchBytes || count === 0)) {
      size += (this.#pending[count]?.length ?? 0) + (this.#pending[count + 1]?.length ?? 0)
      count += 2
    }
    const parts = this.#pending.splice(0, count)
    return Buffer.concat(parts, size)
  }

  #send({number, bytes}: Batch): void {
    this.#saidAt = performance.now()
    void this.#part?.tell('frames', {tunnel: this.#name, seq: number, ack: this.#received}, [bytes])
  }
}

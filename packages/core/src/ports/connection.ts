import {Socket} from 'node:net'
import type {Readable, Writable} from 'node:stream'
import {isObject, parseJson} from '../state/json.ts'
import {creditOf, creditPayload, type Frame, FrameKind} from './frames.ts'

/** This computer's end of a connection: a socket, or two streams. */
export interface LocalEnd {
  input: Readable
  output: Writable
}

export interface ConnectionOptions {
  number: number
  /** how many bytes may be under way in each direction */
  credit: number
  say: (kind: FrameKind, connection: number, payload: Uint8Array) => void
  onBytes: (direction: 'sent' | 'received', count: number) => void
  /** once; with why, when it did not end by both sides being done */
  onClose: (failure: Refused | undefined) => void
}

/** Why the machine did not make a connection, or broke it off. */
export interface Refused {
  /** `REFUSED` (nobody listens), `RESET`, `TIMEOUT`, `NO_HOST`, `UNREACHABLE`, `LOST`, or what the agent says */
  code: string
  message: string
}

const nothing = new Uint8Array()

/** One connection over a tunnel. What either side has no room for waits on the other side, whose reader is held back. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #end: LocalEnd
  /** bytes that may be sent before the machine has passed some on */
  #room: number
  /** what was read and is over the room */
  #held: Uint8Array | undefined
  /** bytes passed on since credit was last given back */
  #done = 0
  #saidEnd = false
  #heardEnd = false
  #closed = false

  constructor(end: LocalEnd, options: ConnectionOptions) {
    this.#options = options
    this.#end = end
    this.#room = options.credit
    const {input, output} = end
    input.on('data', (chunk: Uint8Array) => this.#read(chunk))
    input.once('end', () => this.#inputEnded())
    for (const stream of new Set([input, output])) {
      stream.once('error', () => this.#broken())
      stream.once('close', () => {
        if (stream === output || !this.#saidEnd) this.#localClosed()
      })
    }
  }

  /** What the machine says of it. */
  take({kind, payload}: Frame): void {
    if (this.#closed) return
    if (kind === FrameKind.data) this.#write(payload)
    if (kind === FrameKind.credit) this.#grant(creditOf(payload))
    if (kind === FrameKind.eof) {
      this.#heardEnd = true
      this.#end.output.end(() => this.#maybeOver())
    }
    if (kind === FrameKind.reset) this.fail(refusedOf(payload))
  }

  /** The local end is broken off, so that nobody takes what came for all there was. */
  fail(failure: Refused): void {
    if (this.#closed) return
    this.#close(failure)
    breakOff(this.#end)
  }

  #read(chunk: Uint8Array): void {
    if (this.#closed) return
    const now = chunk.subarray(0, this.#room)
    if (now.length > 0) {
      this.#room -= now.length
      this.#options.onBytes('sent', now.length)
      this.#options.say(FrameKind.data, this.#options.number, now)
    }
    if (now.length < chunk.length) this.#held = chunk.subarray(now.length)
    if (this.#room === 0) this.#end.input.pause()
  }

  #grant(bytes: number): void {
    this.#room += bytes
    const held = this.#held
    this.#held = undefined
    if (held) this.#read(held)
    if (this.#room > 0) this.#end.input.resume()
  }

  #inputEnded(): void {
    if (this.#closed || this.#saidEnd) return
    this.#saidEnd = true
    this.#options.say(FrameKind.eof, this.#options.number, nothing)
    this.#maybeOver()
  }

  #write(payload: Uint8Array): void {
    this.#options.onBytes('received', payload.length)
    this.#end.output.write(payload, (error) => {
      if (error || this.#closed) return
      this.#done += payload.length
      if (this.#done < this.#options.credit / 4) return
      this.#options.say(FrameKind.credit, this.#options.number, creditPayload(this.#done))
      this.#done = 0
    })
  }

  #maybeOver(): void {
    if (this.#saidEnd && this.#heardEnd && this.#end.output.writableFinished) this.#close(undefined)
  }

  #localClosed(): void {
    if (!this.#closed && !(this.#saidEnd && this.#heardEnd)) this.#broken()
  }

  #broken(): void {
    if (this.#closed) return
    this.#options.say(FrameKind.reset, this.#options.number, nothing)
    this.#close(undefined)
    breakOff(this.#end)
  }

  #close(failure: Refused | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.onClose(failure)
  }
}

function breakOff({input, output}: LocalEnd): void {
  for (const stream of new Set([input, output])) {
    // one that has said its last word is only closed: Node 24 spins for ever at its exit after a reset of a socket that is shutting down
    if (stream instanceof Socket && stream.remoteAddress !== undefined && !stream.writableEnded) stream.resetAndDestroy()
    else stream.destroy()
  }
}

function refusedOf(payload: Uint8Array): Refused {
  try {
    const value = parseJson(Buffer.from(payload).toString('utf8'))
    if (isObject(value) && typeof value['code'] === 'string' && typeof value['message'] === 'string') return {code: value['code'], message: value['message']}
  } catch {
    // a reset without words
  }
  return {code: 'RESET', message: 'broken off by the machine'}
}

import type {Socket} from 'node:net'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'

/** More than that in one message is no message. */
export const maxMessageBytes = 32 * 1024 * 1024

/**
 * JSON, a line a message: what Node's own `process.send` speaks in the child. Read by hand, as Node would keep a line of any length
 * in memory.
 */
export class Channel {
  readonly #socket: Socket
  #pending: Buffer[] = []
  #bytes = 0

  /** `onBroken`: what came is no message */
  constructor(socket: Socket, onMessage: (message: JsonObject) => void, onBroken: (why: string) => void) {
    this.#socket = socket
    let broken = false
    const fail = (why: string): void => {
      broken = true
      this.#pending = []
      onBroken(why)
    }
    socket.on('error', () => {}) // it is gone: the child's end is told elsewhere
    socket.on('data', (chunk: Buffer) => {
      let rest = chunk
      while (rest.length > 0) {
        if (broken) return
        const end = rest.indexOf(0x0a)
        const part = end === -1 ? rest : rest.subarray(0, end)
        rest = end === -1 ? Buffer.alloc(0) : rest.subarray(end + 1)
        this.#pending.push(part)
        this.#bytes += part.length
        if (this.#bytes > maxMessageBytes) return fail(`sent more than ${maxMessageBytes} bytes at once`)
        if (end === -1) return
        const message = parsed(Buffer.concat(this.#pending))
        this.#pending = []
        this.#bytes = 0
        if (!message) return fail('sent what is no message')
        onMessage(message)
      }
    })
  }

  send(message: JsonObject): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`)
  }
}

function parsed(line: Buffer): JsonObject | undefined {
  try {
    const value = parseJson(line.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

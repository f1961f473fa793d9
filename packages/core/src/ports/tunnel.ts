import type {AgentClient} from '../agent/client.ts'
import {numberOf} from '../agent/channel.ts'
import {isObject, parseJson} from '../state/json.ts'
import {Connection, type LocalEnd, type Refused} from './connection.ts'
import {type Frame, FrameKind, framesOf} from './frames.ts'
import {TunnelLink} from './link.ts'

export interface Target {
  /** as the machine sees it: `localhost` is the machine itself, by IPv4 or IPv6 */
  host: string
  port: number
}

export interface OpenOptions {
  onBytes?: (direction: 'sent' | 'received', count: number) => void
  /** once, when it is over; with why, where it was broken off by the machine or on the way */
  onClose?: (failure: Refused | undefined) => void
}

export interface TunnelOptions {
  agent: () => Promise<AgentClient>
  /** the machine listens no more, since the kernel that did is gone and another one could not */
  onListenerLost?: (error: Error) => void
  /** by which others can have the machine end it when this process is gone; see closeLeft */
  owner?: string | undefined
  /** so long after the last connection the machine is left alone: it may find that nobody uses it. Default 30_000 */
  restMs?: number
}

interface Listener {
  address: string
  port: number
  /** joins a connection of the machine, at once, to an end here */
  onConnection: (join: (end: LocalEnd, options: OpenOptions) => void) => void
}

const largestCredit = 4 << 20
const smallestCredit = 256 << 10
const allCredit = 64 << 20

/**
 * Connections between this computer and ports that a machine can reach, as many as are wanted over one link to its agent. They
 * outlive the link: what was under way when it was cut is sent again, once, in order.
 */
export class Tunnel {
  readonly #link: TunnelLink
  readonly #restMs: number
  readonly #connections = new Map<number, Connection>()
  readonly #listeners = new Map<string, Listener>()
  readonly #onListenerLost: (error: Error) => void
  #last = 0
  #rest: NodeJS.Timeout | undefined

  constructor({agent, owner, restMs = 30_000, onListenerLost = () => undefined}: TunnelOptions) {
    this.#onListenerLost = onListenerLost
    this.#restMs = restMs
    this.#link = new TunnelLink({
      agent, owner,
      onBatch: (batch) => this.#batch(batch),
      onLost: (error) => this.#lost({code: 'LOST', message: error.message}),
    })
  }

  /** connections that are open now */
  get size(): number {
    return this.#connections.size
  }

  /** nothing is open at the machine's end */
  get isResting(): boolean {
    return !this.#link.open
  }

  /** Joins a local end with a port. It is told of what fails; nothing is thrown. */
  open(target: Target, end: LocalEnd, options: OpenOptions = {}): void {
    const number = ++this.#last
    const credit = this.#credit()
    this.#link.say(FrameKind.open, number, Buffer.from(JSON.stringify({...target, credit})))
    this.#add(number, credit, end, options)
  }

  /** Has the machine listen; 0: on any free port. Resolves to the port. While it does, it counts as used. Throws CgpuError. */
  async listen({address, port}: {address: string; port: number}, onConnection: Listener['onConnection']): Promise<number> {
    clearTimeout(this.#rest)
    const name = `listener-${this.#listeners.size + 1}`
    const listener = {address, port, onConnection}
    this.#listeners.set(name, listener)
    try {
      listener.port = await this.#haveListen(name, listener)
      return listener.port
    } catch (error) {
      this.#listeners.delete(name)
      throw error
    }
  }

  async #haveListen(listener: string, {address, port}: Listener): Promise<number> {
    return numberOf(await this.#link.request('listen', {listener, host: address, port, credit: this.#credit()}), 'port')
  }

  /** Ends all connections, and the machine's end. */
  async close(): Promise<void> {
    clearTimeout(this.#rest)
    this.#listeners.clear()
    for (const connection of this.#connections.values()) connection.fail({code: 'LOST', message: 'the tunnel was closed'})
    await this.#link.end()
  }

  #add(number: number, credit: number, end: LocalEnd, {onBytes, onClose}: OpenOptions): void {
    clearTimeout(this.#rest)
    this.#connections.set(number, new Connection(end, {
      number, credit,
      say: (kind, connection, payload) => this.#link.say(kind, connection, payload),
      onBytes: onBytes ?? (() => undefined),
      onClose: (failure) => {
        this.#connections.delete(number)
        if (this.#connections.size === 0) this.#restLater()
        onClose?.(failure)
      },
    }))
  }

  #restLater(): void {
    clearTimeout(this.#rest)
    if (this.#listeners.size > 0 || !this.#link.open) return
    this.#rest = setTimeout(() => void this.#link.end(), this.#restMs)
    this.#rest.unref()
  }

  /** A large one for few connections, so that a long way is filled; all together stay below 64 MiB. */
  #credit(): number {
    return Math.max(smallestCredit, Math.min(largestCredit, Math.floor(allCredit / (this.#connections.size + 1))))
  }

  #batch(batch: Uint8Array): void {
    for (const frame of framesOf(batch)) {
      if (frame.kind === FrameKind.open) this.#incoming(frame)
      else this.#connections.get(frame.connection)?.take(frame)
    }
  }

  #incoming({connection, payload}: Frame): void {
    const asked = parsed(payload)
    const listener = this.#listeners.get(typeof asked['listener'] === 'string' ? asked['listener'] : '')
    if (listener) listener.onConnection((end, options) => this.#add(connection, numberOf(asked, 'credit'), end, options))
    else this.#link.say(FrameKind.reset, connection, new Uint8Array())
  }

  #lost(failure: Refused): void {
    for (const connection of this.#connections.values()) connection.fail(failure)
    for (const [name, listener] of this.#listeners) this.#haveListen(name, listener).catch(this.#onListenerLost)
  }
}

/** Has the machine end what processes left open there that are gone: their connections, and the ports that it listened on for them. */
export async function closeLeft(agent: AgentClient, owners: readonly string[], signal?: AbortSignal): Promise<void> {
  if (owners.length > 0) await agent.part('ports').request('close', {owners}, {signal})
}

function parsed(payload: Uint8Array): Record<string, unknown> {
  try {
    const value = parseJson(Buffer.from(payload).toString('utf8'))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

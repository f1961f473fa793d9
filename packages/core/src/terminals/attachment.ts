import {randomBytes} from 'node:crypto'
import {type Answer, type Json, numberOf, StreamLost} from '../agent/channel.ts'
import {inLine} from '../agent/follow.ts'
import type {AgentPart} from '../agent/parts.ts'
import {errors} from '../errors.ts'
import {hasCode, withAgent} from '../execution/follow-log.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {partName, type Size, type Terminal} from './terminals.ts'
import {Typed} from './typed.ts'

/** How it ended on the machine. */
export interface TerminalEnd {
  /** 128+n when signal n ended it */
  exitStatus: number
  signal: string | null
  /** its end was asked for, from here or elsewhere */
  killed: boolean
}

/** The output that follows starts anew: when one comes, and when more was missed than the machine keeps. */
export interface Beginning {
  /** private modes of the terminal that are on here, in the order they were switched on */
  modes: number[]
  /** bytes that nobody will see */
  missed: number
}

export interface AttachmentOptions {
  size: Size
  onBegin: (beginning: Beginning) => void
  /** `replayed`: it was shown before, to whoever was there. The next output waits for a promise. */
  onOutput: (data: Uint8Array, replayed: boolean) => void | Promise<void>
  signal?: AbortSignal
}

/** Kernels that died in a row without a byte of progress: then it is not bad luck. */
const attempts = 3
const creditBytes = 512 << 10
/** The machine takes a client for gone that says nothing for 30 s. */
const hereMs = 10_000

/** One client of one terminal, across lost links and kernels that end: its output, by offset, and what is typed into it. */
export class Attachment {
  readonly #session: RuntimeSession
  readonly #terminal: Terminal
  readonly #options: AttachmentOptions
  readonly #client = randomBytes(8).toString('hex')
  readonly #typed: Typed
  #size: Size
  /** of the next byte of output; undefined before the first beginning */
  #at: number | undefined
  /** where the output ended when we came */
  #shown = 0
  #leaves = false
  /** while we are attached: before, and after a lost link, what is typed waits for the machine to say where it stands */
  #told: AgentPart | undefined

  constructor(session: RuntimeSession, terminal: Terminal, options: AttachmentOptions) {
    this.#session = session
    this.#terminal = terminal
    this.#options = options
    this.#size = options.size
    this.#typed = new Typed({
      send: (offset, data) => this.#send(offset, data),
      ask: async () => numberOf((await this.#request('input', {offset: 0}, [new Uint8Array()])).data, 'size'),
    })
  }

  /** bytes that were typed and have not arrived yet */
  get waiting(): number {
    return this.#typed.waiting
  }

  type(data: Uint8Array): void {
    this.#typed.push(data)
  }

  /** A size that is lost on its way is told again with the next attaching. `redraw`: programs are to draw their screen anew. */
  resize(size: Size, {redraw = false} = {}): void {
    this.#size = size
    if (this.#at !== undefined) this.#request('resize', {...size, redraw}, []).catch(() => undefined)
  }

  /** Delivers the output until the terminal ends, or `detach` (undefined). Throws TERMINAL_LOST (71), and what sessions throw. */
  async follow(): Promise<TerminalEnd | undefined> {
    const here = setInterval(() => this.#send(0, new Uint8Array()), hereMs)
    try {
      return await this.#session.guard(() => this.#follow())
    } finally {
      clearInterval(here)
      this.#typed.close()
    }
  }

  /** Leaves it running. */
  async detach(): Promise<void> {
    this.#leaves = true
    await this.#request('detach', {}, [])
  }

  #send(offset: number, data: Uint8Array): void {
    void this.#told?.tell('input', {terminal: this.#terminal.id, client: this.#client, offset}, [data])
  }

  async #follow(): Promise<TerminalEnd | undefined> {
    for (let failures = 0; ; ) {
      const before = this.#at
      try {
        const {data} = await this.#once()
        if (data['stopped'] === true) continue
        if (data['lost'] === true) throw lost(this.#session.record.name, this.#terminal.name)
        if (data['detached'] !== true) return endOf(data)
        if (this.#leaves) return undefined
      } catch (error) {
        if (error instanceof StreamLost) continue
        failures = this.#at === before ? failures + 1 : 0
        if (!hasCode(error, 'KERNEL_DEAD') || failures >= attempts) throw error
      }
    }
  }

  async #once(): Promise<Answer> {
    const {signal} = this.#options
    const part = (await this.#session.agent()).part(partName)
    let unreturned = 0
    let begun = false
    const deliver = async ({data, buffers}: Answer): Promise<void> => {
      if (data['begin'] !== undefined) {
        begun = true
        this.#begin(data)
        this.#told = part
      }
      if (!begun) throw new StreamLost() // its beginning did not arrive
      if (data['taken'] !== undefined) this.#typed.taken(numberOf(data, 'taken'), {again: data['begin'] !== undefined || data['again'] === true, atOnce: data['begin'] !== undefined})
      if (data['begin'] !== undefined) return
      if (numberOf(data, 'offset') !== this.#at) throw new StreamLost()
      const [bytes] = buffers
      if (!bytes) return
      const wait = this.#options.onOutput(bytes, this.#at < this.#shown)
      if (wait) await wait
      this.#at += bytes.length
      unreturned += bytes.length
      if (unreturned < creditBytes / 4) return
      stream.credit(unreturned)
      unreturned = 0
    }
    const line = inLine(deliver)
    const asked = {terminal: this.#terminal.id, client: this.#client, offset: this.#at ?? null, ...this.#size, credit: creditBytes}
    const stream = await part.stream('attach', asked, line.push, signal)
    line.failed.catch(() => stream.cancel())
    // what came before a lost link is delivered first: the next attempt goes on from there
    const answer = await Promise.race([stream.answer, line.failed]).finally(() => (this.#told = undefined)).catch(async (error: unknown) => {
      await line.idle().catch(() => undefined)
      throw error
    })
    await line.idle()
    if (answer.data['exitCode'] !== undefined && numberOf(answer.data, 'offset') !== this.#at) throw new StreamLost()
    return answer
  }

  #begin(data: Json): void {
    const begin = numberOf(data, 'begin')
    const missed = numberOf(data, 'missed')
    const comes = this.#at === undefined
    if (!comes && missed === 0 && begin !== this.#at) throw new StreamLost()
    if (comes) this.#shown = numberOf(data, 'size')
    this.#at = begin
    if (!comes && missed === 0) return
    const {modes} = data
    this.#options.onBegin({modes: Array.isArray(modes) ? modes.filter((one) => Number.isInteger(one) && one >= 0 && one < 100_000) : [], missed})
  }

  async #request(op: string, fields: Json, buffers: Uint8Array[]): Promise<Answer> {
    return withAgent(this.#session, (agent) => agent.part(partName).request(op, {...fields, terminal: this.#terminal.id, client: this.#client}, {buffers}))
  }
}

function endOf(data: Json): TerminalEnd {
  const {signal} = data
  return {exitStatus: numberOf(data, 'exitCode'), signal: typeof signal === 'string' ? signal : null, killed: data['killed'] === true}
}

function lost(runtime: string, name: string) {
  return errors.lost(`the terminal ${name} on ${runtime} vanished`, {
    code: 'TERMINAL_LOST', fix: `its process was killed from outside, or the machine restarted; open another: cgpu shell -r ${runtime}`, details: {terminal: name},
  })
}

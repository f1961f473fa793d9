import type {Socket} from 'node:net'
import {maxFrameBytes, maxGreetingBytes} from './frames.ts'
import {isNonce, isProof, newNonce, type Nonces, prepareProofs, proofOf} from './handshake.ts'
import {type DaemonRecord, protocolVersion, readDaemonRecord} from './place.ts'
import {type Said, Wire, type WireHandlers} from './wire.ts'

/** How long a daemon may take to show who it is; a command goes the direct way then. */
export const greetingLimitMs = Number(process.env['CGPU_DAEMON_MS']) || 300
/** The same for what people ask of it; a command that only wants to be quick has less patience. */
export const patienceMs = Math.max(2_000, greetingLimitMs)

export interface ConnectOptions {
  /** cgpu's state folder */
  state: string
  /** of this cgpu; a daemon of another one is not used. Absent: any will do, as for asking one to retire. */
  build?: string
  limitMs?: number
}

/** A daemon that has shown who it is, or why there is none to use. */
export type Greeted = {wire: Wire; record: DaemonRecord; ms: number} | {why: string; ms: number; record?: DaemonRecord}

/** Connects to the daemon of this state folder. Never rejects, and never takes longer than the limit. */
export async function connectDaemon({state, build, limitMs = greetingLimitMs}: ConnectOptions): Promise<Greeted> {
  const started = performance.now()
  const ms = (): number => Math.round(performance.now() - started)
  const record = readDaemonRecord(state)
  if (typeof record === 'string') return {why: record, ms: ms()}
  if (build !== undefined && (record.build !== build || record.protocol !== protocolVersion)) {
    return {why: `it is of another cgpu (${record.version})`, ms: ms(), record}
  }
  try {
    return {wire: await greet(record, limitMs), record, ms: ms()}
  } catch (error) {
    return {why: error instanceof Error ? error.message : String(error), ms: ms(), record}
  }
}

const nothing: WireHandlers = {said: () => undefined, closed: () => undefined}

async function greet(record: DaemonRecord, limitMs: number): Promise<Wire> {
  const {connect} = process.getBuiltinModule('node:net')
  const socket: Socket = connect(record.socket)
  const {promise, resolve, reject} = Promise.withResolvers<void>()
  const client = newNonce()
  const wire = new Wire(socket, {
    limit: maxGreetingBytes,
    said: (message) => {
      const problem = answer(message, record, client, wire)
      if (problem) reject(new Error(problem))
      else resolve()
    },
    closed: (why) => reject(new Error(why ? `it said what no daemon says (${why})` : 'it does not answer')),
  })
  const timer = setTimeout(() => reject(new Error(`it did not answer within ${limitMs} ms`)), limitMs)
  socket.once('error', (error: NodeJS.ErrnoException) => reject(new Error(`it cannot be reached (${error.code ?? error.message})`)))
  void wire.say({t: 'hello', nonce: client})
  socket.once('connect', () => setImmediate(prepareProofs))
  try {
    await promise
    wire.limit = maxFrameBytes
    wire.handle(nothing)
    return wire
  } catch (error) {
    wire.handle(nothing)
    wire.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** The daemon goes first: until its proof is right it has seen a nonce, and no more. */
function answer({t, nonce, proof}: Said, {token}: DaemonRecord, client: string, wire: Wire): string | undefined {
  if (t !== 'challenge' || !isNonce(nonce)) return 'it said what no daemon says'
  const nonces: Nonces = {client, server: nonce}
  if (!isProof(proof, token, 'server', nonces)) return 'it is not ours: it does not know the token'
  void wire.say({t: 'proof', proof: proofOf(token, 'client', nonces)})
  return undefined
}

/** Asks for one answer; undefined when none came in time. */
export async function askDaemon(wire: Wire, question: Said, limitMs = patienceMs): Promise<Said | undefined> {
  const {promise, resolve} = Promise.withResolvers<Said | undefined>()
  const timer = setTimeout(() => resolve(undefined), limitMs)
  wire.handle({said: (message) => resolve(message), closed: () => resolve(undefined)})
  void wire.say(question)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

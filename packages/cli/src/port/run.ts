import {errors} from '@cgpu/core/errors'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import type {Cgpu, ConnectOptions} from '@cgpu/core/cgpu'
import {PortForwards} from '@cgpu/core/ports/forwards'
import {ForwardStore, type ForwardRecord} from '@cgpu/core/ports/record'
import type {ForwardSpec} from '@cgpu/core/ports/spec'
import {closeLeft} from '@cgpu/core/ports/tunnel'
import {markSelf} from '@cgpu/core/state/self'
import type {ServerOptions} from '@cgpu/jupyter'
import {abortable} from '@cgpu/core/abortable'
import {watchForward} from './watch.ts'

export interface ForwardRun {
  cgpu: Cgpu
  runtime: RuntimeRecord
  id: string
  background: boolean
  specs: ForwardSpec[]
  /** by the provider's port proxy, HTTP and WebSockets only */
  byProxy: boolean
  /** its end is asked for */
  signal: AbortSignal
  onOpen: (forwards: ForwardSpec[]) => void
  onNotice: (message: string) => void
}

/** Changes of the traffic are written down this often. */
const noteMs = 2_000
/** A kernel of cgpu's that somebody ended is replaced within so long: without its link nobody would notice that the machine is gone. */
const lookMs = 3_000

/**
 * Listens and passes on until the signal, with a record that other commands see. Throws what ended it otherwise: that the machine is
 * gone, or that a port cannot be had. An idle forward leaves the machine alone, so that its lease may lapse.
 */
export async function runForwards(run: ForwardRun): Promise<ForwardRecord> {
  const {cgpu, runtime, signal, onNotice} = run
  const store = new ForwardStore(cgpu.dirs.state)
  const record: ForwardRecord = {
    id: run.id, runtime: runtime.name, process: markSelf(), createdAt: new Date().toISOString(), background: run.background,
    state: 'starting', forwards: run.specs, open: 0, connections: 0, bytesSent: 0, bytesReceived: 0,
  }
  let forwards: PortForwards | undefined
  let written = ''
  const note = async (): Promise<void> => {
    Object.assign(record, forwards?.traffic)
    const text = JSON.stringify(record)
    if (text !== written) await store.put(record).then(() => (written = text), () => undefined) // a full disk does not end a forward
  }
  const {promise: gone, reject} = Promise.withResolvers<never>()
  gone.catch(() => undefined)
  await note()
  const options: ConnectOptions = {
    keepsAlive: () => (forwards?.traffic.open ?? 0) > 0 || run.specs.some(({reverse}) => reverse),
    onGone: reject,
    onLink: (state) => {
      record.state = state === 'connected' ? 'open' : 'reconnecting'
      onNotice(state === 'connected' ? `${runtime.name} is back` : `the connection to ${runtime.name} was lost; connections wait until it is back`)
      void note()
    },
  }
  let session: RuntimeSession | undefined
  let unwatch: (() => void) | undefined
  let looking: NodeJS.Timeout | undefined
  const timer = setInterval(() => void note(), noteMs)
  try {
    const portEndpoint = run.byProxy ? await proxyOf(cgpu, runtime) : undefined
    session = await abortable(cgpu.connect(runtime, options), signal)
    const opened = session
    // by its link it is noticed that the machine is gone, whatever way is taken
    const agent = await abortable(Promise.race([opened.agent(), gone]), signal)
    looking = setInterval(() => void opened.agent().catch(() => undefined), lookMs)
    const left = await store.left(runtime.name)
    await abortable(Promise.race([closeLeft(agent, left, signal), gone]), signal)
    unwatch = watchForward(run.id)
    forwards = new PortForwards({session, owner: run.id, onNotice, portEndpoint})
    const open: ForwardSpec[] = []
    for (const spec of run.specs) open.push(await forwards.listen(spec))
    record.forwards = open
    record.state = 'open'
    await note()
    run.onOpen(open)
    const ended = Promise.withResolvers<void>()
    if (signal.aborted) ended.resolve()
    signal.addEventListener('abort', () => ended.resolve(), {once: true})
    await Promise.race([ended.promise, gone])
    Object.assign(record, forwards.traffic)
    await store.remove(run.id)
    return record
  } catch (error) {
    if (run.background && !signal.aborted) {
      Object.assign(record, {state: 'failed', reason: error instanceof Error ? error.message : String(error)})
      await note()
    } else await store.remove(run.id)
    throw signal.aborted ? errors.interrupted('interrupted', {code: 'INTERRUPTED'}) : error
  } finally {
    clearInterval(timer)
    clearInterval(looking)
    await forwards?.close()
    unwatch?.()
    await session?.close()
  }
}

/** Throws CAPABILITY_MISSING (64). */
async function proxyOf(cgpu: Cgpu, {provider, providerId}: RuntimeRecord): Promise<(port: number) => Promise<ServerOptions>> {
  const from = await cgpu.runtimes.provider(provider)
  if (from.capabilities.ports && from.portEndpoint) return async (port) => from.portEndpoint?.(providerId, port) ?? Promise.reject(new Error('no endpoint'))
  throw errors.usage(`runtimes of ${from.id} have no port proxy`, {
    code: 'CAPABILITY_MISSING', fix: 'leave out --via: the agent carries everything', details: {provider: from.id, capability: 'ports'},
  })
}

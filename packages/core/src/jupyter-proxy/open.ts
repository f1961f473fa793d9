import {randomBytes} from 'node:crypto'
import type {Cgpu} from '../cgpu.ts'
import {CgpuError} from '../errors.ts'
import {gone, reclaimed} from '../runtime/choose.ts'
import type {RuntimeRecord} from '../runtime/record.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {RunningProxies} from './running.ts'
import {JupyterProxyServer} from './server.ts'
import {Use} from './use.ts'

export interface OpenProxyOptions {
  /** 0, the default: any free one */
  port?: number | undefined
  signal?: AbortSignal | undefined
  /** Told once when the runtime does not answer, and once when it does again. */
  onLink?: ((state: 'unreachable' | 'reachable', reason: string) => void) | undefined
  /** default 20 s; see ForwardOptions */
  pingMs?: number | undefined
  /** how often it is looked whether another command released the runtime; default 3_000 */
  lookMs?: number | undefined
}

/** A proxy that is open. */
export interface OpenProxy {
  /** for clients: the server's address on this machine, without the token */
  url: string
  port: number
  token: string
  /** Resolves when the runtime is gone: RUNTIME_RECLAIMED (71) where it was used through here, else RUNTIME_GONE (66). */
  ended: Promise<CgpuError>
  close(): Promise<void>
}

/** a lease is renewed this many times before it would lapse */
const leaseBeats = 4

/**
 * Opens an authenticating way to a runtime's Jupyter server on loopback. Its credentials are renewed underneath; while clients
 * work through it, the runtime is kept from being taken as idle. Throws what reaching the runtime throws, PORT_IN_USE (72).
 */
export async function openJupyterProxy(cgpu: Cgpu, record: RuntimeRecord, {port = 0, signal, onLink, pingMs, lookMs = 3_000}: OpenProxyOptions = {}): Promise<OpenProxy> {
  const use = new Use()
  const {promise: ended, resolve: end} = Promise.withResolvers<CgpuError>()
  const lost = (): void => end(use.ever ? reclaimed(record) : gone(record))
  const used = use.watch()
  const session: RuntimeSession = await cgpu.connect(record, {...(signal ? {signal} : {}), keepsAlive: () => inUse(session, used), onGone: lost})
  try {
    // one that does not answer is no use to anybody
    await session.guard(async () => (await session.server()).listKernels())
    const link = watchLink(session, onLink)
    const server = await JupyterProxyServer.open({name: record.name, endpoint: session.endpoint, token: randomBytes(24).toString('hex'), port, use, pingMs, ...link})
    const timers = [
      setInterval(() => void cgpu.realms.of(record.id).then((known) => (known === undefined ? lost() : undefined), () => undefined), lookMs),
      ...renewLease(session, record, use),
    ]
    const withdraw = await new RunningProxies(cgpu.dirs.state).announce(record.id, server).catch((error: unknown) => {
      // a full disk: it serves all the same
      if (!(error instanceof CgpuError)) throw error
      cgpu.warn(error.message)
      return async () => undefined
    })
    return {
      url: server.url, port: server.port, token: server.token, ended,
      async close() {
        for (const timer of timers) clearInterval(timer)
        await Promise.all([withdraw(), server.close(), session.close()])
      },
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** By whoever works through the proxy, or by code that still runs. */
async function inUse(session: RuntimeSession, used: () => boolean): Promise<boolean> {
  if (used()) return true
  const kernels = await (await session.server()).listKernels()
  return kernels.some((kernel) => kernel.execution_state === 'busy')
}

/** The machine's own clock of being unused is in its agent; requests to its server do not reach that. */
function renewLease(session: RuntimeSession, {lease}: RuntimeRecord, use: Use): NodeJS.Timeout[] {
  if (!lease) return []
  const used = use.watch()
  const beat = async (): Promise<void> => {
    if (await inUse(session, used)) await (await session.agent()).lease()
  }
  // one that fails is made up for by the next
  return [setInterval(() => void beat().catch(() => undefined), Math.max(1_000, (lease.seconds * 1000) / leaseBeats))]
}

/** People are told once that the runtime does not answer, and once that it does; its provider is asked whether it is gone. */
function watchLink(session: RuntimeSession, onLink: OpenProxyOptions['onLink']): {onAnswer: () => void; onTrouble: (error: unknown) => void} {
  let down = false
  return {
    onAnswer() {
      if (down) onLink?.('reachable', '')
      down = false
    },
    onTrouble(error) {
      if (!down) onLink?.('unreachable', error instanceof Error ? error.message : String(error))
      down = true
      void session.explain(error)
    },
  }
}

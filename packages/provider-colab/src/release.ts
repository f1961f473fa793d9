import * as z from 'zod/mini'
import type {Colab} from './context.ts'
import {checked} from './http/answer.ts'
import {accountAt, madeAt} from './state/records.ts'
import {proxyHeaders} from './probe.ts'

const sessionsMs = 2_000
/** as Jupyter's REST API has it; these are cgpu's own when they are consoles called cgpu */
const sessionList = z.array(z.object({id: z.string(), path: z.string(), type: z.string()}))

/**
 * Gives the machine back, and forgets it only once Colab said that it is gone. cgpu's kernels are ended first, as far as that goes
 * quickly, so that what they run can end in order.
 */
export async function releaseRuntime(colab: Colab, endpoint: string, signal?: AbortSignal): Promise<void> {
  const records = await colab.records.read()
  const made = madeAt(records, endpoint)
  const name = made?.name ?? (Object.hasOwn(records.seen, endpoint) ? records.seen[endpoint]?.name : undefined)
  const api = await colab.api(accountAt(records, endpoint) ?? (await colab.currentAccount()))
  if (made) await endSessions(colab, endpoint, signal)
  await api.unassign({endpoint, ...(name === undefined ? {} : {name})}, {signal})
  await colab.tokens.drop((one) => one === endpoint)
  await colab.records.update(({made: all, seen}) => ({
    made: Object.fromEntries(Object.entries(all).filter(([, one]) => one.endpoint !== endpoint)),
    seen: Object.fromEntries(Object.entries(seen).filter(([one]) => one !== endpoint)),
  }))
}

async function endSessions(colab: Colab, endpoint: string, signal: AbortSignal | undefined): Promise<void> {
  const token = await colab.tokens.fresh(endpoint, 8080)
  // getting one would cost a request, and the kernels end with the machine anyway
  if (!token) return
  const within = AbortSignal.timeout(sessionsMs)
  const limit = signal ? AbortSignal.any([signal, within]) : within
  const {JupyterServer} = await import('@cgpu/jupyter')
  const {trace} = colab.context
  const server = new JupyterServer({url: token.url, headers: () => proxyHeaders(token), ...(trace ? {trace} : {})})
  try {
    const sessions = checked(sessionList, await server.request('GET', 'api/sessions', {signal: limit}), 'api/sessions')
    const own = sessions.filter(({type, path}) => type === 'console' && (path === 'cgpu' || path.startsWith('cgpu-')))
    await Promise.all(own.map(({id}) => server.request('DELETE', `api/sessions/${encodeURIComponent(id)}`, {signal: limit})))
  } catch (error) {
    signal?.throwIfAborted()
    trace?.(`kernels of ${endpoint} were left to end with it: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    server.close()
  }
}

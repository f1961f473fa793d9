import {remoteCode} from '../agent/problem.ts'
import {isObject} from '../state/json.ts'
import type {RuntimeRecord} from './record.ts'
import type {RuntimeSession} from './session.ts'

/** What a completion asks of a machine. `folder`: '' or with a '/' at its end; `beginning`: of the names in it, which others need not be told. */
export type Look = {what: 'specs' | 'kernels' | 'terminals'} | {what: 'entries'; folder: string; beginning: string}

/** A name on a machine, as it is there: whoever shows it makes it harmless. */
export interface Glimpse {
  value: string
  description?: string
}

/** A quick look at a machine: few requests, nothing is started for it. `record` as it is now. Rejects as the machine's server does. */
export async function look(session: RuntimeSession, record: RuntimeRecord, asked: Look): Promise<Glimpse[]> {
  if (asked.what === 'terminals') return record.kernels['control'] === undefined ? [] : terminals(session)
  const server = await session.server()
  if (asked.what === 'entries') return (await namesByAgent(session, asked)) ?? entries(session, asked.folder)
  if (asked.what === 'specs') return (await server.kernelSpecs()).specs.map(({name, displayName}) => ({value: name, description: displayName}))
  const [{viewsOf}, kernels, sessions] = await Promise.all([import('../kernels/view.ts'), server.listKernels(), server.listSessions()])
  return viewsOf({kernels, sessions, specs: []}).map(({id, name, spec, state}) => ({value: name ?? id, description: `${spec}, ${state}`}))
}

/** A server that does not answer in time is asked another way. */
const agentMs = 300

/**
 * By the agent, where this session has it open: some milliseconds however many there are, while the contents API takes half a one for
 * each, and any folder of the machine. Undefined: it does not answer.
 */
async function namesByAgent(session: RuntimeSession, {folder, beginning}: {folder: string; beginning: string}): Promise<Glimpse[] | undefined> {
  const agent = session.openAgent
  if (!agent) return undefined
  const signal = AbortSignal.timeout(agentMs)
  try {
    const {data} = await agent.part('listing').request('names', {path: folder || '.', beginning}, {signal})
    return Array.isArray(data['names']) ? data['names'].filter((one) => typeof one === 'string').map((value) => ({value})) : []
  } catch (error) {
    if (signal.aborted || remoteCode(error) === undefined) return undefined
    return [] // no such folder, or one that cannot be read
  }
}

/** By the contents API, which knows only what is below the working folder, by paths relative to it. */
async function entries(session: RuntimeSession, folder: string): Promise<Glimpse[]> {
  const workdir = session.endpoint.workdir?.replace(/\/$/, '')
  const absolute = folder.startsWith('/')
  if (absolute && (workdir === undefined || !folder.startsWith(`${workdir}/`))) return []
  const path = absolute ? folder.slice((workdir ?? '').length + 1) : folder
  const {content} = await (await session.server()).getContents(path.replace(/\/$/, ''))
  if (!Array.isArray(content)) return []
  return content.flatMap((one: unknown) => {
    const {name, type} = isObject(one) ? one : {}
    return typeof name === 'string' && name !== '' && !name.includes('/') ? [{value: type === 'directory' ? `${name}/` : name}] : []
  })
}

/** They are the agent's: where it never was there are none, and it is not brought for a look. */
async function terminals(session: RuntimeSession): Promise<Glimpse[]> {
  const {Terminals} = await import('../terminals/terminals.ts')
  return (await new Terminals(session).list()).map(({name, foreground, clients}) => ({value: name, description: `${foreground ?? 'terminal'}, ${clients > 0 ? 'attached' : 'detached'}`}))
}

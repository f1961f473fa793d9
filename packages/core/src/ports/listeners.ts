import type {AgentClient} from '../agent/client.ts'
import {listOf} from '../agent/channel.ts'
import {errors} from '../errors.ts'

/** A port of a machine that something listens on. */
export interface RemoteListener {
  port: number
  /** as the machine writes them: `127.0.0.1`, `0.0.0.0`, `::` */
  addresses: string[]
  /** null: of another user of the machine */
  pid: number | null
  /** and the script or module that it runs; empty: unknown */
  program: string
  /** it is Jupyter's own: the server, or a kernel's sockets */
  jupyter: boolean
}

/** In the order of their numbers. Throws CAPABILITY_MISSING (64) where the machine cannot tell. */
export async function remoteListeners(agent: AgentClient): Promise<RemoteListener[]> {
  const {data} = await agent.part('listeners').request('listeners')
  if (data['known'] !== true) {
    throw errors.usage('this machine does not tell which of its ports are listened on', {code: 'CAPABILITY_MISSING', fix: 'it needs Linux; ask the program itself which port it has'})
  }
  return listOf(data, 'listeners').flatMap(({port, addresses, pid, program}) => {
    if (typeof port !== 'number') return []
    const text = typeof program === 'string' ? program : ''
    return [{
      port, addresses: Array.isArray(addresses) ? addresses.map(String) : [], pid: typeof pid === 'number' ? pid : null, program: text,
      jupyter: /\bipykernel_launcher\b|\bjupyter[-_ ]?(server|lab|notebook)/.test(text),
    }]
  })
}

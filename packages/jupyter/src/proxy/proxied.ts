import type {Agent} from 'node:http'
import type {Duplex} from 'node:stream'
import type {ConnectOptions} from './connect.ts'
import type {Proxy} from './route.ts'

const variables = ['https_proxy', 'http_proxy', 'all_proxy']

/** Whether the environment names any proxy. */
export function proxySet(): boolean {
  return variables.some(name => process.env[name] || process.env[name.toUpperCase()])
}

/** See `proxyFor`, which is loaded by this. */
export async function findProxy(url: URL, env: NodeJS.ProcessEnv): Promise<Proxy | undefined> {
  return (await import('./route.ts')).proxyFor(url, env)
}

/**
 * The agent, whose connections to `url` go through the proxy that the environment names for it, if there is one. A request
 * may bring a `tunnelSignal`: node's own `signal` does not reach a connection that is still being made.
 */
export function proxied<A extends Agent>(agent: A, url: URL): A {
  if (!proxySet()) return agent
  const direct = agent.createConnection.bind(agent) as (options: ConnectOptions) => Duplex
  agent.createConnection = (options, callback) => {
    const connection = import('./connect.ts').then(({connectTo}) => connectTo(url, options, direct))
    const give = callback as (error: Error | null, socket?: Duplex) => void // node always gives one
    connection.then(socket => give(null, socket), (error: unknown) => give(error as Error)) // what is thrown there is an error
    return undefined
  }
  return agent
}

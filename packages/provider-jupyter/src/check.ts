import type {JupyterErrorCode, JupyterServer} from '@cgpu/jupyter'
import {errors} from '@cgpu/core/errors'
import {explain} from '@cgpu/core/runtime/explain'
import type {KnownServer} from './servers.ts'

export interface Reach {
  server: Pick<KnownServer, 'url' | 'ca'>
  token?: string | undefined
  trace?: ((line: string) => void) | undefined
}

/** Runs `work` with a client of the server, which is closed afterwards. */
export async function withServer<T>({server, token, trace}: Reach, work: (server: JupyterServer) => Promise<T>): Promise<T> {
  const {JupyterServer} = await import('@cgpu/jupyter')
  const client = new JupyterServer({
    url: server.url,
    ...(token === undefined ? {} : {token}), ...(server.ca === undefined ? {} : {ca: server.ca}), ...(trace ? {trace} : {}),
  })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

/**
 * Makes sure that a Jupyter server answers at the address and takes the token. The token is sent only once something
 * has answered as a Jupyter server does. Throws TOKEN_REQUIRED, TOKEN_REFUSED (67), TLS_NOT_TRUSTED, NOT_JUPYTER,
 * REDIRECTED, RUNTIME_UNREACHABLE (69).
 */
export async function checkServer(reach: Reach, signal?: AbortSignal): Promise<void> {
  const place = {name: new URL(reach.server.url).host}
  try {
    await withServer({...reach, token: undefined}, (client) => ask(client, 'api', signal)).catch((error: unknown) => {
      // some proxies want the token for every page
      if (codeOf(error) !== 'AUTH' || reach.token === undefined) throw error
    })
    await withServer(reach, (client) => askSignedIn(client, signal))
  } catch (error) {
    signal?.throwIfAborted()
    const code = codeOf(error)
    if (code === 'AUTH' && reach.token === undefined) {
      throw errors.auth(`${place.name} wants a token`, {code: 'TOKEN_REQUIRED', fix: 'cgpu runtime add URL --token-stdin', cause: error})
    }
    if (code === 'NOT_FOUND') throw notJupyter(place.name, error)
    throw explain(error, place)
  }
}

/** Asks what only somebody with a valid token is told. */
export async function askSignedIn(client: JupyterServer, signal?: AbortSignal): Promise<void> {
  try {
    await ask(client, 'api/status', signal)
  } catch (error) {
    // servers that are not jupyter_server may lack it
    if (codeOf(error) !== 'NOT_FOUND') throw error
    await ask(client, 'api/kernels', signal)
  }
}

/** A JupyterError's code, without loading the library to ask. */
export function codeOf(error: unknown): JupyterErrorCode | undefined {
  if (!(error instanceof Error) || error.name !== 'JupyterError' || !('code' in error)) return undefined
  return error.code as JupyterErrorCode // by its name it is a JupyterError
}

async function ask(client: JupyterServer, path: string, signal?: AbortSignal): Promise<unknown> {
  const answer = await client.request('GET', path, signal ? {signal} : {})
  const known = typeof answer === 'object' && answer !== null && (path !== 'api' || ('version' in answer && typeof answer.version === 'string'))
  if (!known) throw notJupyter(new URL(client.url).host)
  return answer
}

function notJupyter(host: string, cause?: unknown): Error {
  return errors.network(`${host} does not answer as a Jupyter server does`, {
    code: 'NOT_JUPYTER', fix: 'check the URL: it is the one shown in the browser, up to /lab or /tree', ...(cause === undefined ? {} : {cause}),
  })
}

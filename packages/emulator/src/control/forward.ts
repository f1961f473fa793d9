import type {Context} from 'hono'
import type {Assignment} from '../world/assignment.ts'
import type {World} from '../world/world.ts'
import {type ControlEnv, refuse} from './error.ts'

/** Of one hop only, or the caller's own business with the front end. */
const kept = new Set(['accept', 'accept-language', 'content-type', 'if-match', 'if-none-match', 'range', 'user-agent', 'x-colab-client-agent'])

/** The machine's own HTTP, for callers who bring their OAuth token instead of a proxy token. Source: protocol notes, 3.10. */
export async function forward(context: Context<ControlEnv>, world: World, {endpoint, machine}: Assignment): Promise<Response> {
  const {pathname, searchParams} = new URL(context.req.url)
  searchParams.delete('authuser')
  const query = searchParams.toString()
  const rest = pathname.split('/').slice(4).join('/')
  const headers = new Headers([...context.req.raw.headers].filter(([name]) => kept.has(name)))
  headers.set('x-colab-runtime-proxy-token', world.proxyTokens.current(endpoint, 8080).token)
  const {method, raw} = context.req
  const body = raw.body === null ? {} : {body: raw.body, duplex: 'half' as const}
  world.used(endpoint)
  let answer: Response
  try {
    answer = await fetch(`${machine.url}/${rest}${query === '' ? '' : `?${query}`}`, {method, headers, redirect: 'manual', signal: raw.signal, ...body})
  } catch {
    throw refuse.machine()
  }
  const given = new Headers(answer.headers)
  // fetch has decoded it
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding', 'connection']) given.delete(name)
  return new Response(answer.body, {status: answer.status, headers: given})
}

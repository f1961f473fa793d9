import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** What a handler of the stand-in sees. */
export interface GoogleRequest {
  method: string
  path: string
  headers: IncomingMessage['headers']
  query: URLSearchParams
  form: URLSearchParams
}

export interface GoogleReply {
  status?: number
  headers?: Record<string, string>
  /** an object is sent as JSON */
  body?: unknown
}

export type GoogleHandler = (request: GoogleRequest) => GoogleReply | undefined | Promise<GoogleReply | undefined>

/**
 * A stand-in for Google's token endpoints that answers just what a test says, where the emulator would be too well-behaved.
 * Answers have the form of Google's documentation ("Using OAuth 2.0 to Access Google APIs").
 */
export interface FakeGoogle {
  url: string
  /** every request that came, oldest first */
  requests: GoogleRequest[]
  /** the refresh tokens that it takes; each gives access tokens `access-1`, `access-2`, … */
  refreshTokens: Set<string>
  /** answers instead, unless it returns undefined */
  handler: GoogleHandler | undefined
  /** true: every refresh gives a new refresh token, and using an old one again ends the whole grant */
  rotates: boolean
  email: string
  scopes: string[]
  expiresIn: number
  close(): Promise<void>
}

const base = 'https://www.googleapis.com/auth'

export async function fakeGoogle(): Promise<FakeGoogle> {
  let given = 0
  const spent = new Set<string>()
  const google: FakeGoogle = {
    url: '', requests: [], refreshTokens: new Set(['refresh-1']), handler: undefined, rotates: false, email: 'me@example.com',
    scopes: ['openid', `${base}/userinfo.email`, `${base}/userinfo.profile`, `${base}/colaboratory`], expiresIn: 3599, close: async () => {},
  }
  const tokens = new Set<string>()
  const refused = (error: string, more: object = {}): GoogleReply => ({status: 400, body: {error, error_description: 'Bad Request', ...more}})

  const refresh = (token: string): GoogleReply => {
    if (spent.has(token)) google.refreshTokens.clear()
    if (!google.refreshTokens.has(token)) return refused('invalid_grant')
    const accessToken = `access-${++given}`
    tokens.add(accessToken)
    const answer = {access_token: accessToken, expires_in: google.expiresIn, scope: google.scopes.join(' '), token_type: 'Bearer'}
    if (!google.rotates) return {body: answer}
    spent.add(token)
    google.refreshTokens.delete(token)
    const next = `refresh-rotated-${given}`
    google.refreshTokens.add(next)
    return {body: {...answer, refresh_token: next}}
  }
  /** As with Google, an access token's refresh token goes with it. */
  const revoke = (token: string): GoogleReply => {
    if (tokens.delete(token)) google.refreshTokens.clear()
    else if (!google.refreshTokens.delete(token)) return refused('invalid_token')
    return {body: {}}
  }
  const answer = (request: GoogleRequest): GoogleReply => {
    const {path, form, headers} = request
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    if (path === '/token') {
      const type = form.get('grant_type')
      if (type === 'refresh_token') return refresh(form.get('refresh_token') ?? '')
      if (type === 'authorization_code') {
        const reply = refresh([...google.refreshTokens][0] ?? '')
        return {...reply, body: {refresh_token: [...google.refreshTokens][0], ...(reply.body as object)}} // an object, made above
      }
      if (type === 'urn:ietf:params:oauth:grant-type:jwt-bearer') return {body: {access_token: `access-${++given}`, expires_in: google.expiresIn, token_type: 'Bearer'}}
      return refused('unsupported_grant_type')
    }
    if (path === '/revoke') return revoke(form.get('token') ?? '')
    if (bearer === '') return {status: 401, body: {error: {code: 401, message: 'missing credentials', status: 'UNAUTHENTICATED'}}}
    if (path === '/oauth2/v2/userinfo') return {body: {id: '1', email: google.email, verified_email: true, name: 'Me Myself'}}
    if (path === '/tokeninfo') return {body: {aud: 'client', scope: google.scopes.join(' '), expires_in: '3000', email: google.email, email_verified: 'true'}}
    return {status: 404, body: {}}
  }
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const url = new URL(incoming.url ?? '/', 'http://google.test')
    const request = {method: incoming.method ?? '', path: url.pathname, headers: incoming.headers, query: url.searchParams, form: new URLSearchParams(body)}
    google.requests.push(request)
    const reply = (await google.handler?.(request)) ?? answer(request)
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {})
    response.writeHead(reply.status ?? 200, {'content-type': typeof reply.body === 'string' ? 'text/html' : 'application/json; charset=utf-8', ...reply.headers})
    response.end(text)
  }
  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => response.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  google.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // listening on TCP
  google.close = () => new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
  return google
}

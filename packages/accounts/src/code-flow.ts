import {CgpuError, errors} from '@cgpu/core/errors'
import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {OAuthClient} from './client-config.ts'
import {type Grant, GrantRefused, readGrant} from './grant.ts'
import {listen} from './loopback.ts'
import {clientRefused} from './tokens.ts'
import type {Send} from './wire.ts'

export interface CodeFlowOptions {
  client: OAuthClient
  scopes: readonly string[]
  /** what was allowed before stays so */
  incremental: boolean
  hosts: GoogleHosts
  send: Send
  /** whose sign-in is expected: Google's page offers that account */
  loginHint?: string | undefined
  /** Called once, with the page to open. `offer` takes a redirected address that the person pasted; it says what is wrong with it. */
  onPage: (page: SignInPage) => void
  timeoutMs: number
  signal?: AbortSignal | undefined
}

export interface SignInPage {
  url: string
  expiresInSeconds: number
  offer: (text: string) => string | undefined
}

/**
 * Authorization code with PKCE over loopback: RFC 8252, RFC 7636; `iss` by RFC 9207. Facts: shared protocol notes, section 2.2.
 * Throws SIGN_IN_DENIED, SIGN_IN_TIMEOUT, SIGN_IN_REFUSED (67), or network errors (69).
 */
export async function signInWithCode(options: CodeFlowOptions): Promise<Grant> {
  const {client, scopes, incremental, hosts, send, loginHint, onPage, timeoutMs, signal} = options
  const oidc = await import('openid-client')
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const config = new oidc.Configuration(
    {issuer: new URL(hosts.authorize).origin, authorization_endpoint: hosts.authorize, token_endpoint: hosts.token},
    client.id,
    client.secret === undefined ? {} : {client_secret: client.secret},
    client.secret === undefined ? oidc.None() : oidc.ClientSecretPost(client.secret),
  )
  oidc.allowInsecureRequests(config) // `googleHosts` lets http pass on loopback only
  const waiting = await listen({state, redirectUri: client.redirectUri, timeoutMs, signal})
  try {
    const page = oidc.buildAuthorizationUrl(config, {
      redirect_uri: waiting.redirectUri, scope: scopes.join(' '), state, access_type: 'offline',
      ...(incremental ? {include_granted_scopes: 'true'} : {}),
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      // without `consent` Google gives a refresh token only the first time
      ...(loginHint === undefined ? {prompt: 'select_account consent'} : {prompt: 'consent', login_hint: loginHint}),
    })
    onPage({url: page.href, expiresInSeconds: Math.round(timeoutMs / 1000), offer: text => waiting.offer(text)})
    const callback = await waiting.callback
    let grant: Grant | undefined
    config[oidc.customFetch] = async (url, {body, headers}) => {
      const form = Object.fromEntries(new URLSearchParams(body instanceof URLSearchParams ? body : ''))
      grant = readGrant(await send({method: 'POST', url, headers, form, signal}))
      // the ID token is left out: who it is comes from userinfo, and its times would refuse a machine whose clock is off
      return Response.json({access_token: grant.accessToken, token_type: 'bearer'})
    }
    await oidc.authorizationCodeGrant(config, callback, {pkceCodeVerifier: verifier, expectedState: state})
    if (grant === undefined) throw new Error('openid-client asked for no token')
    return grant
  } catch (error) {
    throw explain(error)
  } finally {
    await waiting.close()
  }
}

function explain(error: unknown): unknown {
  if (error instanceof CgpuError) return error
  if (error instanceof GrantRefused) return clientRefused(error, 'oauth')
  // openid-client's: `cause` holds the parameters of a refusing callback
  const cause: unknown = error instanceof Error ? error.cause : undefined
  const reason = cause instanceof URLSearchParams ? cause.get('error') : undefined
  if (reason === 'access_denied') {
    return errors.auth('the sign-in was declined', {code: 'SIGN_IN_DENIED', fix: 'cgpu auth login, and agree on the page that opens'})
  }
  const inner = cause instanceof CgpuError || cause instanceof GrantRefused ? explain(cause) : undefined
  if (inner) return inner
  const why = reason ?? (error instanceof Error ? error.message : String(error))
  return errors.auth(`the sign-in failed: ${sanitizeLine(why, 200)}`, {code: 'SIGN_IN_REFUSED', fix: 'cgpu auth login', cause: error})
}

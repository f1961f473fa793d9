import {type Context, Hono} from 'hono'
import {formOf} from '../control/body.ts'
import {grantedScopes, parseScopes} from '../world/scopes.ts'
import type {World} from '../world/world.ts'
import {clientOf} from './client.ts'
import type {Codes} from './codes.ts'
import {OAuthError} from './error.ts'
import type {IdTokens} from './id-token.ts'
import {verifyAssertion} from './service-account.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const invalidGrant = (why = 'Bad Request'): OAuthError => new OAuthError('invalid_grant', why)

/** The token endpoint. Source: protocol notes, 2.2; RFC 6749, 7523, 7636. */
export function tokenEndpoint(world: World, codes: Codes, ids: IdTokens): Hono {
  const app = new Hono()
  app.onError((error, context) => {
    if (!(error instanceof OAuthError)) throw error
    return context.json({error: error.error, error_description: error.message, ...(error.subtype !== undefined && {error_subtype: error.subtype})}, error.status)
  })

  app.post('/token', async (context) => {
    context.header('Cache-Control', 'no-store')
    const form = await formOf(context)
    switch (form.get('grant_type')) {
      case 'authorization_code': return context.json(await fromCode(form, client(context, form), new URL(context.req.url).origin))
      case 'refresh_token': return context.json(fromRefreshToken(form, client(context, form)))
      case jwtBearer: return context.json(fromAssertion(form, new URL(context.req.url).origin))
      case null: throw new OAuthError('invalid_request', 'Missing required parameter: grant_type')
      default: throw new OAuthError('unsupported_grant_type', `Invalid grant_type: ${(form.get('grant_type') ?? '').slice(0, 60)}`)
    }
  })

  /** The client's id, when its secret is right: in the form, or as basic authentication. */
  const client = (context: Context, form: URLSearchParams): string => {
    const basic = /^Basic +(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
    const [id = '', secret = ''] = basic === undefined ? [form.get('client_id') ?? '', form.get('client_secret') ?? ''] : basicParts(basic)
    const known = clientOf(world.config, id)
    if (known === undefined) throw new OAuthError('invalid_client', 'The OAuth client was not found.', {status: 401})
    if (known.secret !== undefined && known.secret !== secret) throw new OAuthError('invalid_client', 'The provided client secret is invalid.', {status: 401})
    return id
  }

  const answer = (token: {token: string; scopes: readonly string[]; expiresAt: number}): Record<string, unknown> => ({
    access_token: token.token,
    expires_in: Math.max(0, Math.round((token.expiresAt - world.clock.now()) / 1000)),
    scope: token.scopes.join(' '),
    token_type: 'Bearer',
  })

  const fromCode = async (form: URLSearchParams, clientId: string, origin: string): Promise<Record<string, unknown>> => {
    const code = form.get('code') ?? ''
    const redeemed = codes.redeem(code, {clientId, redirectUri: form.get('redirect_uri') ?? '', verifier: form.get('code_verifier') ?? undefined})
    if (redeemed === 'replayed') {
      const grant = codes.grantOf(code)
      if (grant !== undefined) world.grants.revokeGrant(grant)
    }
    if (redeemed === 'redirect') throw new OAuthError('redirect_uri_mismatch', 'Bad Request')
    if (redeemed === 'verifier') throw invalidGrant(form.has('code_verifier') ? 'Invalid code verifier.' : 'Missing code verifier.')
    if (typeof redeemed === 'string') throw invalidGrant('Malformed auth code.')
    const {grant, scopes, request} = redeemed
    const idToken = await ids.issue({grant, scopes, issuer: origin, nonce: request.nonce})
    return {
      ...answer(world.grants.access(grant, scopes)),
      ...(request.offline && {refresh_token: world.grants.refreshToken(grant, scopes)}),
      ...(idToken !== undefined && {id_token: idToken}),
    }
  }

  const fromRefreshToken = (form: URLSearchParams, clientId: string): Record<string, unknown> => {
    const token = form.get('refresh_token') ?? ''
    const narrow = form.get('scope')
    const owner = world.grants.refreshOwner(token)
    if (owner !== null && world.account(owner.email)?.settings.reauth === true) {
      throw new OAuthError('invalid_grant', 'reauth related error (invalid_rapt)', {subtype: 'invalid_rapt'})
    }
    const result = world.grants.refresh(token, clientId, narrow === null ? undefined : grantedScopes(parseScopes(narrow)))
    if (result === null) throw invalidGrant('Token has been expired or revoked.')
    return {...answer(result.token), ...(result.refreshToken !== undefined && {refresh_token: result.refreshToken})}
  }

  const fromAssertion = (form: URLSearchParams, origin: string): Record<string, unknown> => {
    const claims = verifyAssertion(form.get('assertion') ?? '', {
      keys: world.config.serviceAccounts, audiences: [`${origin}/token`, 'https://oauth2.googleapis.com/token'], now: world.clock.now(),
    })
    if ('error' in claims) throw claims.error
    const scopes = grantedScopes(parseScopes(claims.scope))
    const grant = world.grants.grant(claims.email, `service-account:${claims.email}`, scopes)
    const {scope: _, ...body} = answer(world.grants.access(grant, scopes))
    return body
  }
  return app
}

function basicParts(encoded: string): string[] {
  const text = Buffer.from(encoded, 'base64').toString()
  const cut = text.indexOf(':')
  const decode = (part: string): string => new URLSearchParams(`x=${part}`).get('x') ?? ''
  return cut === -1 ? [decode(text), ''] : [decode(text.slice(0, cut)), decode(text.slice(cut + 1))]
}

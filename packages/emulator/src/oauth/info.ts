import {scopes as known} from '@cgpu/core/google/scopes'
import {Hono} from 'hono'
import {formOf} from '../control/body.ts'
import {type ControlEnv, refuse} from '../control/error.ts'
import type {World} from '../world/world.ts'
import {type IdTokens, subjectOf} from './id-token.ts'

/** What tokens and profiles say, revocation, and discovery. Source: protocol notes, 2.2. */
export function info(world: World, ids: IdTokens): Hono<ControlEnv> {
  const app = new Hono<ControlEnv>()

  app.on(['GET', 'POST'], '/tokeninfo', async (context) => {
    const form = context.req.method === 'POST' ? await formOf(context) : new URLSearchParams()
    const token = world.grants.lookup(context.req.query('access_token') ?? form.get('access_token') ?? '')
    if (token === null) return context.json({error: 'invalid_token', error_description: 'Invalid Value'}, 400)
    const {grant, scopes, expiresAt} = token
    return context.json({
      azp: grant.clientId, aud: grant.clientId, sub: subjectOf(grant.email), scope: scopes.join(' '),
      exp: String(Math.floor(expiresAt / 1000)), expires_in: String(Math.floor((expiresAt - world.clock.now()) / 1000)),
      ...(scopes.includes(known.email) && {email: grant.email, email_verified: 'true'}),
      access_type: 'offline',
    })
  })

  app.on(['GET', 'POST'], '/revoke', async (context) => {
    const form = context.req.method === 'POST' ? await formOf(context) : new URLSearchParams()
    return world.grants.revoke(context.req.query('token') ?? form.get('token') ?? '')
      ? context.json({})
      : context.json({error: 'invalid_token', error_description: 'Token expired or revoked'}, 400)
  })

  app.get('/oauth2/:version{v[123]}/userinfo', (context) => {
    const caller = world.caller(context.req.header('authorization'))
    if (caller === null) throw refuse.token()
    const id = subjectOf(caller.email)
    const old = context.req.param('version') !== 'v3'
    const name = world.account(caller.email)?.settings.name ?? caller.email
    return context.json({
      ...(old ? {id} : {sub: id}),
      ...(caller.scopes.includes(known.email) && {email: caller.email, ...(old ? {verified_email: true} : {email_verified: true})}),
      ...(caller.scopes.includes(known.profile) && {name, given_name: name.split(' ')[0]}),
    })
  })

  app.get('/oauth2/v3/certs', async (context) => context.json(await ids.jwks()))

  app.get('/.well-known/openid-configuration', (context) => {
    const {origin} = new URL(context.req.url)
    return context.json({
      issuer: origin,
      authorization_endpoint: `${origin}/o/oauth2/v2/auth`,
      token_endpoint: `${origin}/token`,
      revocation_endpoint: `${origin}/revoke`,
      userinfo_endpoint: `${origin}/oauth2/v3/userinfo`,
      jwks_uri: `${origin}/oauth2/v3/certs`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    })
  })
  return app
}

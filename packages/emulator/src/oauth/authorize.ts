import {scopes as known} from '@cgpu/core/google/scopes'
import {type Context, Hono} from 'hono'
import {z} from 'zod'
import {formOf} from '../control/body.ts'
import {escape, page} from '../control/html.ts'
import {codePage} from '../control/pages.ts'
import {grantedScopes, identityScopes, parseScopes} from '../world/scopes.ts'
import type {World} from '../world/world.ts'
import {clientOf, redirectKind} from './client.ts'
import type {AuthorizationRequest, Codes} from './codes.ts'
import {chooserPage, consentPage} from './consent-page.ts'

const query = z.object({
  client_id: z.string().max(300),
  redirect_uri: z.string().max(2000),
  response_type: z.literal('code'),
  scope: z.string().max(4000),
  state: z.string().max(4000).optional(),
  code_challenge: z.string().regex(/^[A-Za-z0-9\-._~]{43,128}$/).optional(),
  code_challenge_method: z.enum(['S256', 'plain']).optional(),
  access_type: z.enum(['offline', 'online']).default('online'),
  include_granted_scopes: z.enum(['true', 'false']).default('false'),
  prompt: z.string().max(100).optional(),
  login_hint: z.string().max(300).optional(),
  nonce: z.string().max(300).optional(),
})

const problem = (error: string, why: string): Response =>
  page('Access blocked: this request is not valid', `<p>${escape(why)}</p><p>Error 400: <code>${escape(error)}</code></p>`, 400)

/**
 * The consent page. What is wrong with the request is told to the person, as Google does, never to an address that is not
 * known to be the client's. Source: protocol notes, 2.2; RFC 6749, 7636, 8252, 9207.
 */
export function authorize(world: World, codes: Codes): Hono {
  const app = new Hono()

  const send = (request: AuthorizationRequest, origin: string, parameters: Record<string, string>): Response => {
    if (request.delivery === 'show' && parameters['code'] !== undefined) return codePage(parameters['code'])
    if (request.delivery === 'show') return page('Access was not given', '<p>You can close this page.</p>')
    const url = new URL(request.redirectUri)
    const state = request.state === undefined ? {} : {state: request.state}
    for (const [name, value] of Object.entries({...state, iss: origin, ...parameters})) url.searchParams.set(name, value)
    return new Response(null, {status: 302, headers: {Location: url.href, 'Cache-Control': 'no-store'}})
  }

  const allow = (request: AuthorizationRequest, email: string, allowed: string[], origin: string): Response => {
    const before = world.grants.find(email, request.clientId)?.scopes ?? []
    const grant = world.grants.grant(email, request.clientId, allowed)
    const scopes = request.includeGranted ? [...new Set([...allowed, ...before])] : allowed
    const prompt = request.prompt === undefined ? {} : {prompt: request.prompt}
    return send(request, origin, {code: codes.issue(request, grant, scopes), scope: scopes.join(' '), authuser: '0', ...prompt})
  }

  const ask = (context: Context): Response => {
    const {origin} = new URL(context.req.url)
    const checked = checkedRequest(context, world, origin)
    if (checked instanceof Response) return checked
    const {request, hint} = checked
    const prompts = new Set(request.prompt?.split(' ') ?? [])
    const people = world.config.accounts
    // a person who was just chosen from the list is not asked again
    const chosen = context.req.query('chosen')
    const email = people.find((one) => one.email === (chosen ?? (prompts.has('select_account') ? undefined : hint)))?.email ?? (people.length === 1 ? people[0]?.email : undefined)
    const grant = email === undefined ? undefined : world.grants.find(email, request.clientId)
    const granted = grant !== undefined && request.scopes.every((one) => grant.scopes.includes(one))
    if (prompts.has('none')) {
      return email !== undefined && granted ? allow(request, email, request.scopes, origin) : send(request, origin, {error: email === undefined ? 'login_required' : 'consent_required'})
    }
    if (email === undefined) return chooserPage(people, new URL(context.req.url))
    if (granted && !prompts.has('consent')) return allow(request, email, request.scopes, origin)
    return consentPage({email, clientId: request.clientId, scopes: request.scopes, csrf: codes.ask(request, email)})
  }
  app.get('/o/oauth2/v2/auth', ask)
  app.get('/o/oauth2/auth', ask)

  app.post('/o/oauth2/consent', async (context) => {
    const form = await formOf(context)
    const question = codes.answered(form.get('csrf') ?? '')
    if (question === undefined) return page('This page is out of date', '<p>Start again from the terminal.</p>', 400)
    const {request, email} = question
    const ticked = form.getAll('scope')
    const allowed = request.scopes.filter((one) => identityScopes.has(one) || ticked.includes(one))
    const {origin} = new URL(context.req.url)
    if (form.get('decision') !== 'allow' || allowed.length === 0) return send(request, origin, {error: 'access_denied'})
    return allow(request, email, allowed, origin)
  })
  return app
}

function checkedRequest(context: Context, world: World, origin: string): Response | {request: AuthorizationRequest; hint: string | undefined} {
  const parsed = query.safeParse(context.req.query())
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0] ?? '')
    return field === 'response_type' ? problem('unsupported_response_type', 'Only response_type=code is supported.') : problem('invalid_request', `Missing or malformed parameter: ${field}`)
  }
  const asked = parsed.data
  const client = clientOf(world.config, asked.client_id)
  if (client === undefined) return problem('invalid_client', 'The OAuth client was not found.')
  const delivery = redirectKind(world.config, client, asked.redirect_uri, origin)
  if (delivery === undefined) return problem('redirect_uri_mismatch', 'The redirect URI in the request does not match the ones of the OAuth client.')
  const scopes = grantedScopes(parseScopes(asked.scope))
  const unknown = scopes.find((one) => one !== known.openid && !one.startsWith('https://www.googleapis.com/auth/'))
  if (scopes.length === 0 || unknown !== undefined) return problem('invalid_scope', `Some requested scopes were invalid: ${unknown ?? '(none)'}`)
  if (asked.code_challenge === undefined && client.pkce === 'required' && delivery === 'send') return problem('invalid_request', 'Missing required parameter: code_challenge')
  if (asked.code_challenge !== undefined && asked.code_challenge_method !== 'S256') return problem('invalid_request', 'code_challenge_method must be S256.')
  return {
    hint: asked.login_hint,
    request: {
      clientId: client.id, redirectUri: asked.redirect_uri, delivery, scopes, state: asked.state, challenge: asked.code_challenge,
      // installed programs get a refresh token whatever they ask for
      offline: asked.access_type === 'offline' || client.type === 'native',
      includeGranted: asked.include_granted_scopes === 'true', prompt: asked.prompt, nonce: asked.nonce,
    },
  }
}

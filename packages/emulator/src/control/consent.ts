import {createHmac, timingSafeEqual} from 'node:crypto'
import {Hono} from 'hono'
import type {World} from '../world/world.ts'
import {formOf} from './body.ts'
import {escape, page} from './html.ts'

const questions = {drive: 'let this Colab machine read and change your Google Drive', user: 'let this Colab machine act as you'} as const
export type ConsentKind = keyof typeof questions

const keyOf = (world: World, email: string, kind: ConsentKind): string =>
  createHmac('sha256', world.standingToken(email)).update(`consent ${kind}`).digest('hex').slice(0, 32)

/** Where the owner of the account agrees; the key in it is known to whom the address was given. */
export function consentUrl(world: World, origin: string, email: string, kind: ConsentKind): string {
  return `${origin}/emulator/consent?${new URLSearchParams({email, kind, key: keyOf(world, email, kind)}).toString()}`
}

/** The pages behind `unauthorized_redirect_uri`. */
export function consent(world: World): Hono {
  const app = new Hono()
  const asked = (query: Record<string, string>): {email: string; kind: ConsentKind} | undefined => {
    const {email = '', kind = '', key = ''} = query
    if (world.account(email) === undefined || !(kind === 'drive' || kind === 'user')) return undefined
    const wanted = Buffer.from(keyOf(world, email, kind))
    const given = Buffer.from(key)
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? {email, kind} : undefined
  }
  const unknown = (): Response => page('Nothing to agree to', '<p>This address is not one that the emulator gave out.</p>', 404)

  app.get('/emulator/consent', (context) => {
    const request = asked(context.req.query())
    if (request === undefined) return unknown()
    return page('Permit access', `<p><strong>${escape(request.email)}</strong>, do you want to ${questions[request.kind]}?</p>
<form method="post"><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>`)
  })

  app.post('/emulator/consent', async (context) => {
    const request = asked(context.req.query())
    if (request === undefined) return unknown()
    const allowed = (await formOf(context)).get('decision') === 'allow'
    world.setAccount(request.email, {consent: {[request.kind]: allowed}})
    return page(allowed ? 'Access is permitted' : 'Access is not permitted', '<p>You can close this page and go back to the terminal.</p>')
  })
  return app
}

import {Hono} from 'hono'
import type {World} from '../world/world.ts'
import type {ControlEnv} from './error.ts'
import {escape, page} from './html.ts'
import {tunnelReply} from './tunnel.ts'

/** What else Colab's front end shows. Source: protocol notes, 3.9, 3.10. */
export function pages(world: World): Hono<ControlEnv> {
  const app = new Hono<ControlEnv>()
  const reply = tunnelReply(world)

  app.get('/vscode/experiment-state', (context) => reply(context, {experiments: world.config.experiments, selectedIds: []}))
  app.get('/vscode/auth-success', () => page('You are signed in', '<p>You can close this page.</p>'))
  app.get('/vscode/redirect', (context) => {
    const {code, error} = context.req.query()
    return code === undefined
      ? page('Not signed in', `<p>${escape(error ?? 'There is no code in this address.')}</p>`, 400)
      : codePage(code)
  })
  app.get('/signup', () => page('Colab subscriptions', '<p>Nothing is sold here. Change an account of the emulator with <code>cgpu emulator scenario account EMAIL --balance 100</code>.</p>'))
  app.get('/notebooks/empty.ipynb', () => page('An empty notebook', '<p>Colab would open a notebook on the machine that this address names. The emulator has no notebook page.</p>'))
  return app
}

/** Shows a code that is to be taken to the terminal by hand. */
export function codePage(code: string): Response {
  return page('Copy this code', `<p><label for="code">Authorization code</label></p><p><output id="code"><code>${escape(code)}</code></output></p><p>Paste it where you were asked for it.</p>`)
}

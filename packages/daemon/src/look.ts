import type {Cgpu} from '@cgpu/core/cgpu'
import {type Glimpse, look, type Look} from '@cgpu/core/runtime/look'
import type {ClientContext} from './context.ts'
import type {WarmSessions} from './sessions.ts'

/** What a completion asks of the daemon: it has the connection, and need not load anything. */
export interface LookQuestion {
  look: Look
  /** absent: the usual one */
  runtime?: string | undefined
  context: ClientContext
}

/** Rejects as choosing and reaching the runtime does. */
export async function lookFor({look: asked, runtime}: LookQuestion, cgpu: Cgpu, sessions: WarmSessions): Promise<Glimpse[]> {
  const record = await cgpu.runtimes.select(runtime)
  const {session, done} = await sessions.use(cgpu, record, () => undefined)
  try {
    return await look(session, record, asked)
  } finally {
    done()
  }
}

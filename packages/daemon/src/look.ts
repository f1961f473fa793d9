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
    const found = await look(session, record, asked)
    // who goes on typing is answered by it; a machine that never had the agent is not given it for that
    if (asked.what === 'entries' && record.kernels['control'] !== undefined) session.agent().catch(() => undefined)
    return found
  } finally {
    done()
  }
}

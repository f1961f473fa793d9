import type {Glimpse, Look} from '@cgpu/core/runtime/look'
import {askDaemon, connectDaemon, contextOf} from '@cgpu/daemon/client'
import {daemonProgram} from '../../daemon/program.ts'
import {patienceMs} from '../patience.ts'
import type {SourceOptions} from '../sources.ts'
import type {MachineSources} from '../types.ts'
import {remembering} from './remembered.ts'

/** A daemon is there to be quicker: where it is not, there is time for another way. */
const greetingMs = patienceMs / 4

/** What a machine says: by the daemon's connection where it has one or makes one, else by one of our own. */
export function remoteSources(options: SourceOptions): MachineSources {
  const ask = async (look: Look, runtime: string | undefined): Promise<Glimpse[]> =>
    (await byDaemon(options, look, runtime)) ?? remembering(options, look, runtime, async () => (await import('./direct.ts')).lookDirectly(options, look, runtime))
  return {
    specs: (runtime) => ask({what: 'specs'}, runtime),
    kernels: (runtime) => ask({what: 'kernels'}, runtime),
    terminals: (runtime) => ask({what: 'terminals'}, runtime),
    entries: (runtime, folder, beginning) => ask({what: 'entries', folder, beginning}, runtime),
  }
}

/** Undefined: there is none, or it will not. None is started for a completion. */
async function byDaemon({dirs, env, cwd}: SourceOptions, look: Look, runtime: string | undefined): Promise<Glimpse[] | undefined> {
  const context = env['CGPU_DAEMON'] === 'off' ? undefined : contextOf(env, cwd)
  const program = context && daemonProgram()
  if (!program) return undefined
  const greeted = await connectDaemon({state: dirs.state, build: program.build, limitMs: greetingMs})
  if (!('wire' in greeted)) return undefined
  try {
    const answer = await askDaemon(greeted.wire, {t: 'look', look, context, ...(runtime === undefined ? {} : {runtime})}, patienceMs)
    return answer?.t === 'looked' ? (answer['found'] as Glimpse[]) : undefined // a daemon of this very build made it
  } finally {
    greeted.wire.destroy()
  }
}

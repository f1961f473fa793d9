import {ConfigStore} from '@cgpu/core/config/store'
import {newestFirst} from '@cgpu/core/history/read'
import {HistoryStore} from '@cgpu/core/history/store'
import {commandOf, isOver} from '@cgpu/core/job/record'
import {JobStore} from '@cgpu/core/job/store'
import {ForwardStore, viewOf} from '@cgpu/core/ports/record'
import {RecordStore} from '@cgpu/core/runtime/store'
import {ScheduleStore} from '@cgpu/core/schedule/store'
import {SecretSources} from '@cgpu/core/secrets/sources'
import {SecretVault} from '@cgpu/core/secrets/vault'
import {shellLine} from '@cgpu/core/text/quote'
import {commandText} from '../../render/history.ts'
import type {SourceOptions} from '../sources.ts'
import type {Candidate, CompletionSources} from '../types.ts'

type Kept = Pick<CompletionSources, 'runtimes' | 'jobs' | 'schedules' | 'executions' | 'forwards' | 'profiles' | 'secrets'>

/** nobody reads more */
const most = 50

/** What cgpu keeps on this computer. */
export function keptSources({dirs, env, cwd}: SourceOptions): Kept {
  return {
    async runtimes() {
      const records = await new RecordStore(dirs.state).list()
      return records.map(({name, provider, accelerator}) => ({value: name, description: `${provider}, ${accelerator.name ?? accelerator.id}`}))
    },
    async jobs(beginning, which) {
      const jobs = await new JobStore(dirs.state).newest(most, (id) => id.startsWith(beginning))
      const wanted = which === 'open' ? jobs.filter(({seen}) => !isOver(seen?.state)) : jobs
      return wanted.map(({id, request, seen}) => ({value: id, description: `${seen?.state ?? 'started'}: ${commandOf(request).join(' ')}`}))
    },
    async schedules() {
      return (await new ScheduleStore(dirs.state).list()).map(({name, enabled, argv}) => ({value: name, description: `${enabled ? '' : 'paused: '}${shellLine(argv)}`}))
    },
    async executions() {
      const found: Candidate[] = []
      for (const entry of newestFirst(new HistoryStore(dirs.state).folder)) {
        if (found.push({value: entry.id, description: `${entry.status}: ${commandText(entry)}`}) >= most) break
      }
      return found
    },
    async forwards() {
      const forwards = (await new ForwardStore(dirs.state).list()).map(viewOf)
      return forwards.map(({id, runtime, state, forwards: pairs}) => ({value: id, description: `${pairs.map(({local, remote}) => `${local} to ${runtime}, ${remote}`).join('; ')}${state === 'open' ? '' : `: ${state}`}`}))
    },
    async profiles() {
      return [...(await new ConfigStore(dirs.config).profiles())].map((value) => ({value}))
    },
    async secrets() {
      // names only: no keyring is asked
      const known = await new SecretSources({env, cwd, vault: new SecretVault({configDir: dirs.config})}).known()
      return [...known].map(([value, places]) => ({value, description: places.join(', ')}))
    },
  }
}

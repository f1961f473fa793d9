import {join} from 'node:path'
import {integer, option, string} from '@oclif/core/flags'
import {executionKinds, type HistoryEntry} from '@cgpu/core/history/entry'
import {filterOf, type FilterTexts, type HistoryFilter, matches} from '@cgpu/core/history/filter'
import {newestFirst} from '@cgpu/core/history/read'
import {HistoryStore} from '@cgpu/core/history/store'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import {accountFlag, runtimeFlag} from './flags.ts'

const group = {helpGroup: 'FILTER'}

/** Which executions are meant. */
export const filterFlags = {
  ...runtimeFlag,
  ...accountFlag,
  ...withEnv({
    category: string({...group, summary: 'only failures of this kind, such as code,network', helpValue: 'NAMES'}),
    kind: option({...group, options: executionKinds, summary: 'only these'})(),
    since: string({...group, summary: 'only what began since then: 2h, 7d or a date', helpValue: 'TIME'}),
    status: string({...group, summary: 'only what ended so, such as error,lost', helpValue: 'NAMES'}),
    until: string({...group, summary: 'only what began before then', helpValue: 'TIME'}),
  }),
}

export const limitFlag = withEnv({limit: integer({min: 0, default: 30, summary: 'so many at most; 0: all', helpValue: 'N'})})

/** The base of `cgpu history …`. */
export abstract class HistoryCommand<T = unknown> extends CgpuCommand<T> {
  protected get history(): HistoryStore {
    const {configDir, dataDir, cacheDir} = this.config
    return new HistoryStore(resolveDirs(process.env, {configDir, dataDir, cacheDir}).state)
  }

  protected filter(flags: FilterTexts): HistoryFilter {
    return filterOf(flags, Date.now())
  }

  /** Those that the filter lets through, newest first; `limit` 0: all. */
  protected entries(filter: HistoryFilter, limit = 0): HistoryEntry[] {
    const {folder} = this.history
    const found: HistoryEntry[] = []
    const report = {broken: 0}
    for (const entry of newestFirst(folder, report)) {
      if (matches(entry, filter)) found.push(entry)
      if (limit > 0 && found.length >= limit) break
    }
    if (report.broken > 0) this.trace(`${report.broken} lines of ${join(folder, '*.jsonl')} cannot be read and were passed over`)
    return found
  }
}

import {newestFirst} from '@cgpu/core/history/read'
import {HistoryStore} from '@cgpu/core/history/store'

const most = 1_000
/** more lines than that are not looked through for code */
const mostRead = 5_000

/** The code of former cells, of every `repl` and `exec`, the newest first, each text once; without secrets, as the history keeps it. */
export function* codesInHistory(stateDir: string, before: Date): Generator<string> {
  const seen = new Set<string>()
  let read = 0
  for (const {command, kind, startedAt} of newestFirst(new HistoryStore(stateDir).folder)) {
    if (++read > mostRead || seen.size >= most) return
    const {code, file, cut} = command
    if (kind !== 'exec' || code === undefined || file !== undefined || cut || Date.parse(startedAt) >= before.getTime() || seen.has(code)) continue
    seen.add(code)
    yield code
  }
}

import type {RecordExecution} from '@cgpu/daemon'
import {begunExec} from '../history/begun.ts'
import {Recorder} from '../history/record.ts'

/** Keeps code that the daemon runs in the history, as `cgpu exec` itself does. */
export function recordExecution({version, log}: {version: string; log: (line: string) => void}): RecordExecution {
  return async ({cgpu, question, runtime}) => {
    if (!cgpu.settings.on('history')) return undefined
    const {id, code, context, told = {}} = question
    const {id: runtimeId, name, provider} = runtime
    const request = {id, kind: 'exec' as const, runtime: {id: runtimeId, name, provider}, code, envNames: []}
    const begun = {...begunExec(request, runtime, {code}, told), cwd: context.cwd}
    return Recorder.begin(begun, {stateDir: cgpu.dirs.state, version, onWarning: log})
  }
}

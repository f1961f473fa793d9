import {type Diagnosis, type Evidence, hasLog} from './evidence.ts'
import {rules} from './rules.ts'

/** What explains it, the most likely first; never empty. `OK` and `STILL_RUNNING` where there is nothing to explain. */
export function diagnose(evidence: Evidence): Diagnosis[] {
  const {id, state, exitStatus, kind} = evidence
  if (state === 'running' || state === 'starting') {
    return [{code: 'STILL_RUNNING', cause: 'it is still running', evidence: [], next: [`cgpu job attach ${id}`, `cgpu job show ${id}`]}]
  }
  if (exitStatus === 0) return [{code: 'OK', cause: 'it ended well', evidence: ['exit status 0'], next: []}]
  const found = rules.map((rule) => rule(evidence)).filter((one) => one !== undefined)
  if (found.length > 0) return found
  const ended = exitStatus === null ? [] : [`exit status ${exitStatus}`]
  const last = evidence.lines.filter((line) => line.trim() !== '').slice(-3).map((line) => line.trim())
  return [{
    code: 'UNEXPLAINED', cause: exitStatus === null ? 'how it ended is not known' : `the program ended with status ${exitStatus}, and its last lines tell no known cause`,
    evidence: [...ended, ...last], next: [hasLog({kind}) ? `cgpu logs ${id} --tail 50` : `cgpu history show ${id}`],
  }]
}

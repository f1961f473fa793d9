import type {Assignment} from '../api/api.ts'
import {publicIdPrefix} from '../api/keys.ts'
import type {Made, Records, Seen} from './records.ts'

/** A machine with what is remembered of it. */
export interface Machine {
  assignment: Assignment
  account: string
  /** exactly one of the two */
  made?: Made
  seen?: Seen
}

export interface Reconciled {
  records: Records
  machines: Machine[]
  /** something in `records` is new */
  changed: boolean
}

export interface Answer {
  account: string
  assignments: Assignment[]
  /** ISO */
  now: string
  /** Whether this answer would list a machine of that key: a dialect may show only its own. */
  covers: (key: string) => boolean
}

/**
 * Colab's answer for one account is the truth: what it lists is remembered, what it does not list is forgotten. An intent that no
 * answer was seen to stays: the machine may still appear.
 */
export function reconcile(records: Records, {account, assignments, now, covers}: Answer): Reconciled {
  const made = {...records.made}
  const seen = {...records.seen}
  const there = new Set(assignments.map((one) => one.endpoint))
  const machines = assignments.map((assignment): Machine => {
    const last = {accelerator: assignment.accelerator, variant: assignment.variant, url: assignment.proxy?.url ?? ''}
    const own = Object.values(made).find((one) => isMadeBy(one, assignment, there))
    const name = assignment.name === undefined ? {} : {name: assignment.name}
    if (own) {
      made[own.key] = {...own, endpoint: assignment.endpoint, ...name, last: {...last, url: last.url || (own.last?.url ?? '')}}
      return {assignment, account, made: made[own.key] as Made} // just put there
    }
    const before = Object.hasOwn(seen, assignment.endpoint) ? seen[assignment.endpoint] : undefined
    const one: Seen = {account, firstSeen: before?.firstSeen ?? now, ...name, last: {...last, url: last.url || (before?.last?.url ?? '')}}
    seen[assignment.endpoint] = one
    return {assignment, account, seen: one}
  })
  for (const one of Object.values(made)) {
    if (one.account === account && one.endpoint !== undefined && !there.has(one.endpoint) && covers(one.key)) delete made[one.key]
  }
  for (const [endpoint, one] of Object.entries(seen)) {
    if ((one.account === account && !there.has(endpoint)) || Object.values(made).some((own) => own.endpoint === endpoint)) delete seen[endpoint]
  }
  const next = {made, seen}
  return {records: next, machines, changed: JSON.stringify(next) !== JSON.stringify(records)}
}

/** By its endpoint; only one whose endpoint is not known, or gone, by its key. */
function isMadeBy(made: Made, {endpoint, notebookHash, name}: Assignment, there: ReadonlySet<string>): boolean {
  if (made.endpoint !== undefined && there.has(made.endpoint)) return made.endpoint === endpoint
  return (notebookHash !== undefined && notebookHash === made.key) || name === `runtimes/${made.key}`
}

/** Made by some cgpu, as its name shows where the dialect has names. */
export function isOurs({made, assignment}: Machine): boolean {
  return made !== undefined || assignment.name?.startsWith(`runtimes/${publicIdPrefix}`) === true
}

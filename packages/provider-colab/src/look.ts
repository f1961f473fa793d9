import type {ProviderRuntime} from '@cgpu/core/provider'
import {isAlive} from '@cgpu/core/state/process'
import {acceleratorFor} from './accelerators.ts'
import type {Assignment} from './api/api.ts'
import type {Colab} from './context.ts'
import {probe} from './probe.ts'
import {type Machine, isOurs, reconcile} from './state/reconcile.ts'
import {type LastSeen, madeAt, type Records} from './state/records.ts'

/** `runtime list` waits for the slowest machine, so a silent one is given up early. */
const lookMs = 3_000
/** a day, as far as is known, and more than enough */
const longestLifeMs = 7 * 86_400_000

/** The account's machines, as one request tells; what it tells is remembered. */
export async function machinesOf(colab: Colab, account: string, signal?: AbortSignal): Promise<Machine[]> {
  const api = await colab.api(account)
  // read first: what another command asks for meanwhile is not in this answer
  const before = await colab.records.read()
  const assignments = await api.assignments({signal})
  const answer = {account, assignments, now: colab.now(), covers: (key: string) => api.lists(key)}
  const {changed, machines} = reconcile(before, answer)
  await colab.tokens.offer(assignments.flatMap(({endpoint, proxy}) => (proxy ? [{endpoint, proxy}] : [])))
  if (!changed) return machines
  let found = machines
  await colab.records.update((now) => {
    // released by another command while Colab made up its answer
    const released = (endpoint: string): boolean => madeAt(before, endpoint) !== undefined && !madeAt(now, endpoint)
    const listed = assignments.filter(({endpoint}) => !released(endpoint))
    // what was made meanwhile may be missing from the answer
    const covers = (key: string): boolean => answer.covers(key) && before.made[key]?.endpoint === now.made[key]?.endpoint
    const next = reconcile(now, {...answer, assignments: listed, covers})
    found = next.machines
    return next.records
  })
  const there = new Set(found.map(({assignment}) => assignment.endpoint))
  const gone = endpointsOf(before).filter((endpoint) => !there.has(endpoint))
  if (gone.length > 0) await colab.tokens.drop((endpoint) => gone.includes(endpoint))
  return found
}

function endpointsOf(records: Records): string[] {
  return [...Object.values(records.made).flatMap((one) => one.endpoint ?? []), ...Object.keys(records.seen)]
}

/** The runtime as the core sees it, with a look at the machine itself. */
export async function viewOf(colab: Colab, machine: Machine): Promise<ProviderRuntime> {
  const {assignment, made} = machine
  const proxy = (await colab.tokens.fresh(assignment.endpoint, 8080)) ?? assignment.proxy
  const probed = proxy ? await probe(colab.transport, proxy, lookMs) : 'unreachable'
  const creating = probed !== 'ready' && made?.ready !== true && made?.owner != null && (await isAlive(made.owner.pid, made.owner.startTime))
  return describe(machine, creating ? 'creating' : probed === 'unreachable' ? 'unreachable' : 'ready')
}

export function describe(machine: Machine, state: string): ProviderRuntime {
  const {assignment, account, made, seen} = machine
  const idle = made?.idleTimeoutSeconds
  return {
    id: assignment.endpoint,
    state,
    accelerator: acceleratorFor(assignment.accelerator, assignment.variant),
    createdAt: made?.createdAt ?? seen?.firstSeen ?? '',
    endpointUrl: assignment.proxy?.url ?? (made ?? seen)?.last?.url ?? '',
    account,
    ...(isOurs(machine) ? {} : {foreign: true}),
    ...(idle === undefined ? {} : {idleTimeoutSeconds: idle}),
    details: {
      shape: assignment.shape,
      ...(assignment.image === undefined ? {} : {image: assignment.image}),
      ...(assignment.name === undefined ? {} : {name: assignment.name}),
    },
  }
}

/**
 * What is remembered of an account that cannot be asked: its machines may well be there, and billed. What is older than any machine
 * gets is forgotten, or who signed out for good would be told of it for ever.
 */
export async function remembered(colab: Colab, account: string): Promise<ProviderRuntime[]> {
  const oldest = colab.effects.wall() - longestLifeMs
  const records = await colab.records.update(({made, seen}) => {
    const living = {
      made: keep(made, (one) => one.account !== account || Date.parse(one.createdAt) > oldest),
      seen: keep(seen, (one) => one.account !== account || Date.parse(one.firstSeen) > oldest),
    }
    return sizeOf(living) < sizeOf({made, seen}) ? living : undefined
  })
  return viewsOf(records, account)
}

const sizeOf = ({made, seen}: Records): number => Object.keys(made).length + Object.keys(seen).length

function keep<T>(records: Record<string, T>, wanted: (one: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(records).filter(([, one]) => wanted(one)))
}

function viewsOf(records: Records, account: string): ProviderRuntime[] {
  const machine = (endpoint: string, last: LastSeen | undefined, name: string | undefined): Assignment => ({
    endpoint, accelerator: last?.accelerator ?? 'NONE', variant: last?.variant ?? 'CPU', shape: 'unknown', ...(name === undefined ? {} : {name}),
  })
  const made = Object.values(records.made).filter((one) => one.account === account).flatMap((one) =>
    one.endpoint === undefined ? [] : [{assignment: machine(one.endpoint, one.last, one.name), account, made: one}])
  const seen = Object.entries(records.seen).filter(([, one]) => one.account === account).map(([endpoint, one]) =>
    ({assignment: machine(endpoint, one.last, one.name), account, seen: one}))
  return [...made, ...seen].map((one) => describe(one, 'unknown'))
}

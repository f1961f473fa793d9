import {CgpuError} from '@cgpu/core/errors'
import type {JobEnd, Measured} from '@cgpu/core/runtime/options'
import {sanitizeLine} from '@cgpu/core/text/line'
import {describe, type HookHost} from './fire.ts'
import type {ExecutionOutcome, JobInfo} from './hook-types.ts'
import {callRegistered} from './registered-call.ts'
import {type Registered, registeredMetricSinks} from './registrations.ts'
import type {Measurement, MetricSinkRegistration} from './registration-types.ts'

const measures = ['durationMs', 'stdoutBytes', 'stderrBytes', 'peakMemoryBytes', 'peakGpuMemoryBytes'] as const satisfies readonly (keyof Measured)[]

/** Of an outcome, what was measured. */
export function measuredOf(end: Partial<Record<keyof Measured, unknown>>): Measured {
  return Object.fromEntries(measures.flatMap((one) => (typeof end[one] === 'number' && Number.isFinite(end[one]) ? [[one, end[one]]] : [])))
}

/** Gives a measurement to every sink, to all at once. One that throws or takes too long becomes a warning. Executions that did not end are not measured. */
export async function giveMeasurement(
  host: HookHost, sinks: readonly Registered<MetricSinkRegistration>[], {status, ...rest}: Omit<Measurement, 'status' | 'at'> & Pick<ExecutionOutcome, 'status'>,
): Promise<void> {
  if (status === 'vetoed' || status === 'detached') return
  const at = new Date().toISOString()
  await Promise.all(sinks.map(async ({plugin, entry: {name, sink}}) => {
    try {
      // each has its own: none sees what another did to it
      await callRegistered(host, 'metric-sink:register', () => sink({...rest, runtime: {...rest.runtime}, status, at}))
    } catch (error) {
      host.warn(`the metric sink "${sanitizeLine(name, 60)}" of plugin ${sanitizeLine(plugin, 100)} failed: ${sanitizeLine(describe(error).message, 300)}`)
    }
  }))
}

/** The same of a job that was left running. Its end is told whatever plugins do: two sinks of one name are a warning here. */
export async function jobMeasured(host: HookHost, {id, runtime}: JobInfo, end: JobEnd, {status, exitStatus}: Pick<ExecutionOutcome, 'status' | 'exitStatus'>): Promise<void> {
  const sinks = await registeredMetricSinks(host).catch((error: unknown) => {
    if (!(error instanceof CgpuError)) throw error
    host.warn(`${error.message}: neither is given measurements`)
    return []
  })
  await giveMeasurement(host, sinks, {id, kind: 'job', runtime, status, ...(exitStatus === undefined ? {} : {exitStatus}), ...measuredOf(end)})
}

import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import type {RunOptions} from '@cgpu/core/execution/run'
import {jobsOf} from '@cgpu/core/job/of'

/** Whether a run that failed so goes on on another machine, when it moved so often already. */
export async function goesOn(thrown: unknown, {cgpu, id, options, moves}: {cgpu: Cgpu; id: string; options: RunOptions; moves: number}): Promise<boolean> {
  if (!wasTakenAway(thrown) || moves >= (options.restarts?.max ?? 0)) return false
  // somebody who released its machine, or cancelled it, did not mean that
  return (await jobsOf(cgpu).store.get(id).catch(() => undefined))?.seen?.reason !== 'cancelled'
}

function wasTakenAway(thrown: unknown): boolean {
  return thrown instanceof CgpuError && thrown.code === 'RUNTIME_RECLAIMED'
}

/** For a machine after the first: the stdin went to the first one's program, and each machine is one attempt less. */
export function optionsAfter(options: RunOptions, moves: number): RunOptions {
  if (moves === 0) return options
  const {restarts} = options
  const rest = {...options, ...(restarts ? {restarts: {...restarts, max: restarts.max - moves}} : {})}
  delete rest.stdin
  return rest
}

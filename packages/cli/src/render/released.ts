import type {ReleasedRuntime} from '@cgpu/core/runtime/service'
import {formatDuration} from '@cgpu/core/text/format'

/** `released calm-otter after 12 m, about 0.24 compute units`; `gone`: it was taken away before. */
export function releasedLine({name, stopped, durationSeconds, computeUnits}: ReleasedRuntime, {gone = false} = {}): string {
  if (!stopped) return `forgot ${name}; its server goes on`
  const after = `${gone ? `${name} is gone` : `released ${name}`} after ${formatDuration(durationSeconds * 1000)}`
  if (computeUnits === undefined) return after
  return `${after}, ${computeUnits < 0.01 ? 'less than 0.01' : `about ${computeUnits.toFixed(2)}`} compute units`
}

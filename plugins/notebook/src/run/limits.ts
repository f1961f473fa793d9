import {parseTimeLimit} from '@cgpu/plugin-sdk'

export interface LimitFlags {
  'cell-timeout'?: string | undefined
  timeout?: string | undefined
  'startup-timeout': string
}

/** How long a run, each of its cells and the start of its kernel may take, in ms; undefined: any time. Throws what `parseTimeLimit` does. */
export const limitsOf = (flags: LimitFlags) => ({
  cellTimeoutMs: flags['cell-timeout'] === undefined ? undefined : parseTimeLimit(flags['cell-timeout']),
  timeoutMs: flags.timeout === undefined ? undefined : parseTimeLimit(flags.timeout),
  startTimeoutMs: parseTimeLimit(flags['startup-timeout']),
})

import {errors} from '@cgpu/core/errors'
import type {RestartPolicy} from '@cgpu/core/execution/run'

interface RestartFlags {
  'max-restarts'?: number | undefined
  checkpoint?: string | undefined
  'resume-cmd'?: string | undefined
}

/** How the program is run again when it fails. Throws USAGE (64) where flags make no sense together. */
export function restartPolicy({'max-restarts': max = 0, checkpoint, 'resume-cmd': resume}: RestartFlags): RestartPolicy | undefined {
  if (max === 0) {
    if (checkpoint === undefined && resume === undefined) return undefined
    throw errors.usage('--checkpoint and --resume-cmd are for runs that are started again', {code: 'USAGE', fix: 'add --max-restarts N'})
  }
  if (resume?.includes('{latest}') && checkpoint === undefined) {
    throw errors.usage('{latest} of --resume-cmd is the newest checkpoint, and there is no --checkpoint', {code: 'USAGE', fix: 'add --checkpoint "ckpt/*.pt"'})
  }
  return {max, ...(checkpoint === undefined ? {} : {checkpoint}), ...(resume === undefined ? {} : {resume})}
}

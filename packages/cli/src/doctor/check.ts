import {CgpuError, ExitCode} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Dirs} from '@cgpu/core/state/dirs'

export interface Surroundings {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  cwd: string
  nodeVersion: string
  stdout: {isTTY?: boolean; columns?: number}
}

export type CheckState = 'ok' | 'warning' | 'failed'

/** What a check found out. */
export interface Finding {
  state: CheckState
  message: string
  fix?: string | undefined
  /** the exit status that this failure gives `cgpu doctor` */
  exit?: number
}

export interface Check {
  id: string
  title: string
  run: (surroundings: Surroundings) => Promise<Finding>
}

/** A check's answer as `--json` prints it. */
export interface CheckResult extends Finding {
  id: string
  title: string
}

/** Longer than any healthy answer; a hanging command must not hang the doctor. */
export const CHECK_BUDGET_MS = 15_000

/** Runs one; whatever it throws is a failed check. */
export async function runCheck({id, title, run}: Check, surroundings: Surroundings, budgetMs = CHECK_BUDGET_MS): Promise<CheckResult> {
  const {promise: tooLong, reject} = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${budgetMs / 1000} s`)), budgetMs)
  try {
    return {id, title, ...(await Promise.race([run(surroundings), tooLong]))}
  } catch (error) {
    const known = error instanceof CgpuError ? error : undefined
    const message = sanitizeLine(error instanceof Error ? error.message : String(error))
    return {id, title, state: 'failed', message, fix: known?.fix, exit: known?.exit ?? ExitCode.internal}
  } finally {
    clearTimeout(timer)
  }
}

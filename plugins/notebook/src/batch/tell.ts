import type {Reporter} from '../run/report.ts'
import type {Outcome, PlannedRun} from './run.ts'

/** Tells how a batch goes. */
export interface BatchTeller {
  begun(total: number): void
  /** of one run that is about to begin */
  reporterOf(run: PlannedRun): Reporter
  /** of one run, its last word */
  ended(outcome: Outcome): void
  /** of one run whose runtime was lost: it begins again */
  again(outcome: Outcome): void
  /** before anything else is written to the terminal */
  clear(): void
  /** something about the batch */
  note(code: string, message: string): void
  /** the end of it; told again it changes nothing */
  over(end: {status: string; exitStatus: number; durationSeconds: number; error?: {code: string; message: string}}): void
}

/** `--json`: nothing until the result. */
export const silentTeller = (reporter: Reporter): BatchTeller => ({begun() {}, reporterOf: () => reporter, ended() {}, again() {}, clear() {}, note() {}, over() {}})

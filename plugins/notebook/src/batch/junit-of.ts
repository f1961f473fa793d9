import type {JUnitReport, JUnitSuite, JUnitTest} from '../junit/junit.ts'
import type {CellResult} from '../run/run-notebook.ts'
import {type Outcome, succeeded} from './run.ts'

/** A suite for each run, and in it a case for each code cell; one case for all of a run that came to no cell. */
export const junitOf = (outcomes: readonly Outcome[]): JUnitReport => ({suites: outcomes.map(suiteOf)})

function suiteOf(outcome: Outcome): JUnitSuite {
  const {run, durationSeconds, due, cells} = outcome
  const results = new Map(cells.map((cell) => [cell.id, cell]))
  const tests = due.map(({id, index, title}): JUnitTest => ({name: `cell ${index + 1}: ${title}`, classname: run.label, ...caseOf(results.get(id), outcome)}))
  const told = tests.some(({status}) => status === 'failed' || status === 'error')
  return {name: run.label, timeSeconds: durationSeconds, tests: tests.length > 0 && (told || succeeded(outcome)) && outcome.status !== 'skipped' ? tests : [...tests, wholeOf(outcome)]}
}

/** Cells that were allowed to fail did what they should. */
function caseOf(cell: CellResult | undefined, outcome: Outcome): Omit<JUnitTest, 'name' | 'classname'> {
  if (!cell) return {timeSeconds: 0, status: 'skipped', message: 'it was not run'}
  const timeSeconds = cell.durationSeconds
  if (cell.id !== outcome.failed?.id) return {timeSeconds, status: 'passed'}
  const {error: why} = cell
  const message = outcome.error?.message ?? why?.name ?? outcome.status
  const details = why?.traceback.join('\n') || (why && `${why.name}: ${why.message}`)
  return {timeSeconds, status: cell.status === 'error' ? 'failed' : 'error', message, ...(details ? {details} : {})}
}

/** For what no cell tells. */
function wholeOf({run, status, error, reason, durationSeconds}: Outcome): JUnitTest {
  const common = {name: 'the notebook', classname: run.label, timeSeconds: durationSeconds}
  if (status === 'skipped' || status === 'not-run') return {...common, status: 'skipped', message: reason ?? status}
  return error ? {...common, status: 'error', message: error.message, ...(error.fix === undefined ? {} : {details: `fix: ${error.fix}`})} : {...common, status: 'passed'}
}

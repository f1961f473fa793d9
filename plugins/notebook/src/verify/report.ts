import {inert} from '@cgpu/plugin-sdk'
import {style, table, tableOptions} from '@cgpu/plugin-sdk/render'
import {githubAnnotation} from '../annotations.ts'
import {changeLines} from '../compare/diff-text.ts'
import type {JUnitReport, JUnitTest} from '../junit/junit.ts'
import type {TestedCell, TestedNotebook} from './verify.ts'

const count = ({cells}: TestedNotebook, ...statuses: TestedCell['status'][]): number => cells.filter(({status}) => statuses.includes(status)).length
const wrong = ({status}: TestedCell): boolean => status === 'failed' || status === 'error'

/** What is wrong, cell by cell. Pieces end with a newline. No line of it is a command to GitHub Actions, whatever the cells print. */
export function* problemText(tested: TestedNotebook, colour: boolean): Generator<string> {
  for (const piece of problemLines(tested, colour)) yield piece.replace(/^\s*(?=::)/, '$&\\')
}

function* problemLines({notebook, cells}: TestedNotebook, colour: boolean): Generator<string> {
  for (const cell of cells.filter(wrong)) {
    yield `${style(inert(`${notebook}:${cell.line}: cell ${cell.cell}: ${cell.message ?? cell.status}`), 'bold', colour)}\n`
    for (const {what, lines} of cell.differences) {
      if (lines.length === 0) continue
      yield `${style(inert(`@@ ${what} @@`), 'cyan', colour)}\n`
      yield* changeLines(lines, colour)
    }
    for (const line of cell.error?.traceback ?? []) yield `${inert(line.replaceAll(/\u001B\[[0-9;]*m/g, ''))}\n`
  }
}

/** A row for each notebook. */
export function summary(tested: readonly TestedNotebook[]): string {
  const rows = tested.map((one) => [
    one.notebook, one.error ? one.error.code : one.status, ...[count(one, 'passed', 'updated'), count(one, 'failed'), count(one, 'error'), count(one, 'skipped')].map(String), `${one.durationSeconds.toFixed(1)} s`,
  ])
  return table(['notebook', 'result', 'passed', 'failed', 'errors', 'skipped', 'time'], rows, tableOptions())
}

/** A line for each cell that is wrong, for GitHub Actions. */
export const annotations = (tested: readonly TestedNotebook[]): string => tested.flatMap(({notebook, cells, error}) => [
  ...(error ? [githubAnnotation({level: 'error', file: notebook, line: 1, title: error.code, message: inert(error.message)})] : []),
  ...cells.filter(wrong).map((cell) => githubAnnotation({level: 'error', file: notebook, line: cell.line, title: `cell ${cell.cell}`, message: inert(cell.message ?? cell.status)})),
]).join('')

export function junitOf(tested: readonly TestedNotebook[]): JUnitReport {
  return {suites: tested.map(({notebook, durationSeconds, cells, error}) => ({
    name: notebook, timeSeconds: durationSeconds,
    tests: [...cells.map((cell) => testOf(notebook, cell)), ...(error ? [{name: 'notebook', classname: notebook, timeSeconds: durationSeconds, status: 'error' as const, message: error.message}] : [])],
  }))}
}

function testOf(notebook: string, {cell, id, durationSeconds, status, message, differences, error}: TestedCell): JUnitTest {
  const details = [...differences.flatMap(({what, lines}) => [`@@ ${what} @@\n`, ...changeLines(lines, false)]), ...(error?.traceback ?? []).map((line) => `${line}\n`)].join('')
  return {name: `cell ${cell} (${id})`, classname: notebook, timeSeconds: durationSeconds, status: status === 'updated' ? 'passed' : status, message: status === 'passed' || status === 'updated' ? undefined : message, details}
}

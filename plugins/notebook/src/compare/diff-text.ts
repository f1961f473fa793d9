import {inert} from '@cgpu/plugin-sdk'
import {style} from '@cgpu/plugin-sdk/render'
import type {CellDiff, NotebookDiff} from './diff.ts'
import type {LineChange} from './lines.ts'
import type {ValueChange} from './values.ts'

/** The difference as text for people, harmless for a terminal. Pieces end with a newline. */
export function* diffText({metadata, cells}: NotebookDiff, {names, colour}: {names: readonly [before: string, after: string]; colour: boolean}): Generator<string> {
  yield `${style(`--- ${inert(names[0])}`, 'red', colour)}\n${style(`+++ ${inert(names[1])}`, 'green', colour)}\n`
  if (metadata.length > 0) {
    yield heading('notebook metadata', colour)
    yield* valueLines(metadata, colour)
  }
  for (const cell of cells) {
    yield heading(titleOf(cell), colour)
    yield* changeLines(cell.source, colour)
    if (cell.executionCount) yield* valueLines([{path: ['execution_count'], ...cell.executionCount}], colour)
    if (cell.metadata.length > 0 && cell.change === 'changed') yield* section('metadata', valueLines(cell.metadata, colour), colour)
    if (cell.outputs.length > 0) yield* section('outputs', changeLines(cell.outputs, colour), colour)
  }
}

const heading = (text: string, colour: boolean): string => `${style(`@@ ${inert(text)} @@`, 'cyan', colour)}\n`

function* section(name: string, lines: Iterable<string>, colour: boolean): Generator<string> {
  yield `${style(`@ ${name}`, 'cyan', colour)}\n`
  yield* lines
}

function titleOf({change, type, before, after, id, moved}: CellDiff): string {
  const place = before === null || after === null || before === after ? `cell ${(after ?? before ?? 0) + 1}` : `cell ${before + 1} → ${after + 1}`
  return `${place}, ${type}, ${id}${change === 'changed' ? '' : `: ${change}`}${moved ? ': moved' : ''}`
}

/** Lines with `-`, `+` or a space in front. */
export function* changeLines(changes: readonly LineChange[], colour: boolean): Generator<string> {
  for (const change of changes) {
    if (change.op === 'gap') yield `${style(`  … ${change.count} ${change.count === 1 ? 'line' : 'lines'} alike`, 'dim', colour)}\n`
    else {
      const line = `${change.op}${inert(change.text)}`
      yield `${change.op === ' ' ? line : style(line, change.op === '-' ? 'red' : 'green', colour)}\n`
    }
  }
}

function* valueLines(changes: readonly ValueChange[], colour: boolean): Generator<string> {
  for (const {path, before, after} of changes) {
    const name = path.join('.')
    if (before !== undefined) yield `${style(`-${inert(`${name}: ${short(before)}`)}`, 'red', colour)}\n`
    if (after !== undefined) yield `${style(`+${inert(`${name}: ${short(after)}`)}`, 'green', colour)}\n`
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}

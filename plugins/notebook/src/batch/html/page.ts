import {dirname, relative, resolve, sep} from 'node:path'
import {isAddress, openPlace} from '../../addresses/address.ts'
import {escapeMarkup} from '../../markup/escape.ts'
import type {CellResult} from '../../run/run-notebook.ts'
import type {BatchResult} from '../result.ts'
import {type Outcome, type OutcomeStatus, setText, succeeded} from '../run.ts'
import {style} from './style.ts'

export interface PageOptions {
  outcomes: readonly Outcome[]
  result: BatchResult
  /** when the batch ended */
  at: Date
  /** where the page will be: links to copies are relative to it */
  path: string
}

/** One self-contained page, without scripts: a summary, then each run with its parameters, cells, and what failed in it. In pieces. */
export function* htmlPage({outcomes, result, at, path}: PageOptions): Generator<string> {
  const {counts: {ok, failed, skipped, notRun}} = result
  const title = `${ok} of ${outcomes.length} notebook runs ok`
  const rest = [[failed, 'failed'], [skipped, 'skipped'], [notRun, 'not run']].filter(([count]) => count !== 0).map(([count, word]) => `, ${count} ${word}`).join('')
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="cgpu notebook run">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}${rest}</h1>
<p class="dim">ended <time datetime="${at.toISOString()}">${at.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>, after ${seconds(result.durationSeconds)}</p>
<div class="wide"><table>
<thead><tr><th>run</th><th>notebook</th><th>parameters</th><th>status</th><th class="number">cells</th><th class="number">time</th><th>runtime</th><th>copy</th></tr></thead>
<tbody>
`
  for (const outcome of outcomes) yield summaryRow(outcome, path)
  yield '</tbody></table></div>\n'
  for (const outcome of outcomes) yield section(outcome)
  yield '</body>\n</html>\n'
}

function summaryRow(outcome: Outcome, path: string): string {
  const {run, cells, due, durationSeconds, runtime} = outcome
  const began = runtime !== null || succeeded(outcome)
  const good = cells.filter(({status}) => status === 'ok').length
  return `<tr><td><a href="#run-${run.n}">${run.n}</a></td><td>${escapeMarkup(openPlace(run.notebook))}</td><td><code>${escapeMarkup(setText(run.set))}</code></td><td>${statusText(outcome.status)}</td>`
    + `<td class="number">${due.length === 0 ? '' : `${good}/${due.length}`}</td><td class="number">${durationSeconds === 0 ? '' : seconds(durationSeconds)}</td><td>${escapeMarkup(runtime ?? '')}</td>`
    + `<td>${began ? copyLink(run.output, path) : ''}</td></tr>\n`
}

function section(outcome: Outcome): string {
  const {run, status, error, reason, parameters, kernel, cells, failed} = outcome
  const traceback = cells.find(({id}) => id === failed?.id)?.error?.traceback.join('\n') ?? ''
  return `<section id="run-${run.n}">
<h2>${run.n}. ${escapeMarkup(run.label)}</h2>
<p>${statusText(status)}${error ? `: ${escapeMarkup(error.message)}` : reason === undefined ? '' : `: ${escapeMarkup(reason)}`}</p>
${error?.fix === undefined ? '' : `<p class="dim">${escapeMarkup(error.fix)}</p>\n`}${kernel === null ? '' : `<p class="dim">kernel ${escapeMarkup(kernel)}</p>\n`}${parameterTable(parameters)}${
  failed ? `<h3>cell ${failed.index + 1}</h3>\n<pre class="source">${escapeMarkup(failed.source)}</pre>\n` : ''}${
  traceback === '' ? '' : `<pre class="traceback">${escapeMarkup(traceback)}</pre>\n`}${cellTable(outcome)}</section>
`
}

function parameterTable(parameters: Record<string, unknown>): string {
  const rows = Object.entries(parameters).map(([name, value]) => `<tr><td><code>${escapeMarkup(name)}</code></td><td><code>${escapeMarkup(JSON.stringify(value) ?? '')}</code></td></tr>`)
  return rows.length === 0 ? '' : `<table class="parameters"><thead><tr><th>parameter</th><th>value</th></tr></thead><tbody>${rows.join('')}</tbody></table>\n`
}

function cellTable(outcome: Outcome): string {
  const {due, cells} = outcome
  if (due.length === 0) return ''
  const results = new Map(cells.map((cell) => [cell.id, cell]))
  const longest = Math.max(0.001, ...cells.map(({durationSeconds}) => durationSeconds))
  const rows = due.map(({id, index, title}) => {
    const cell = results.get(id)
    return `<tr><td>${index + 1}</td><td><code>${escapeMarkup(title)}</code></td><td>${cell ? cellStatus(cell, outcome) : '<span class="status idle">not run</span>'}</td><td class="number">${cell ? seconds(cell.durationSeconds) : ''}</td>`
      + `<td>${cell ? `<span class="bar" style="width: ${Math.round((cell.durationSeconds / longest) * 100)}%"></span>` : ''}</td></tr>\n`
  })
  return `<details${succeeded(outcome) ? '' : ' open'}><summary>${due.length} cells</summary>
<table class="cells"><thead><tr><th>cell</th><th></th><th>status</th><th class="number">time</th><th style="width: 25%"></th></tr></thead><tbody>
${rows.join('')}</tbody></table></details>
`
}

const words: Record<OutcomeStatus, [text: string, look: string]> = {
  ok: ['ok', 'ok'], exited: ['ok, ended by sys.exit()', 'ok'], error: ['failed', 'bad'], interrupted: ['interrupted', 'bad'], lost: ['lost', 'bad'], skipped: ['skipped', 'idle'], 'not-run': ['not run', 'idle'],
}

function statusText(status: OutcomeStatus): string {
  const [text, look] = words[status]
  return `<span class="status ${look}">${text}</span>`
}

/** A cell whose error was allowed did not fail the run. */
function cellStatus(cell: CellResult, outcome: Outcome): string {
  const allowed = cell.status === 'error' && cell.id !== outcome.failed?.id
  return allowed ? '<span class="status idle">failed, allowed</span>' : statusText(cell.status)
}

/** An address is no link: whoever reads the page need not be let in there. */
function copyLink(output: string, path: string): string {
  const text = escapeMarkup(openPlace(output))
  return isAddress(output) ? text : `<a href="${escapeMarkup(linkTo(output, path))}">${text}</a>`
}

/** Never read as another scheme's address, whatever the name is. */
function linkTo(output: string, path: string): string {
  const way = relative(dirname(resolve(path)), resolve(output)).split(sep).map(encodeURIComponent).join('/')
  return `./${way}`
}

function seconds(value: number): string {
  if (value < 60) return `${value.toFixed(value < 10 ? 2 : 1)} s`
  const whole = Math.round(value)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`
}

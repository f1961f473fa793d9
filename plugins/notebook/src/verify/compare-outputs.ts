import {dataText} from '../compare/output-text.ts'
import {type LineChange, lineChanges} from '../compare/lines.ts'
import type {DisplayOutput, ErrorOutput, MimeBundle, Output} from '../format/model.ts'
import {masked} from './masks.ts'
import {sameText, sameValue} from './numbers.ts'
import type {Comparison} from './settings.ts'

export interface Difference {
  /** `stdout`, `error`, `output 2 text/plain` */
  what: string
  message: string
  /** from the committed to the new one, masked */
  lines: LineChange[]
}

const context = 3
const mostLines = 200
/** Names a model of this run only. */
const widgetView = 'application/vnd.jupyter.widget-view+json'

/** What differs between a cell's committed outputs and its new ones. Streams are compared as a whole, wherever displays came between. */
export async function compareOutputs(committed: readonly Output[], actual: readonly Output[], comparison: Comparison): Promise<Difference[]> {
  const texts = [...new Set([...streamNames(committed), ...streamNames(actual)])].filter((name) => !ignores(comparison, name)).sort()
    .flatMap((name) => compareText(name, streamText(committed, name), streamText(actual, name), comparison))
  const errors = ignores(comparison, 'error') ? [] : compareText('error', errorText(committed), errorText(actual), comparison)
  return [...texts, ...(await compareDisplays(displays(committed), displays(actual), comparison)), ...errors]
}

const ignores = ({ignore}: Comparison, type: string): boolean => ignore.some((one) => one === type || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))))

const streamNames = (outputs: readonly Output[]): string[] => outputs.flatMap((output) => (output.output_type === 'stream' ? [output.name] : []))
const streamText = (outputs: readonly Output[], name: string): string => outputs.map((output) => (output.output_type === 'stream' && output.name === name ? output.text : '')).join('')
/** The traceback has paths and lines of libraries: it is not compared. */
const errorText = (outputs: readonly Output[]): string => outputs.filter((output): output is ErrorOutput => output.output_type === 'error').map(({ename, evalue}) => `${ename}: ${evalue}\n`).join('')
const displays = (outputs: readonly Output[]): DisplayOutput[] => outputs.filter((output): output is DisplayOutput => output.output_type === 'display_data' || output.output_type === 'execute_result')

function compareText(what: string, committed: string, actual: string, {masks, tolerance}: Comparison): Difference[] {
  const [before, after] = [masked(committed, masks), masked(actual, masks)]
  if (sameText(after, before, tolerance)) return []
  const message = before === '' ? 'is new' : after === '' ? 'is missing' : 'differs'
  return [{what, message: `${what} ${message}`, lines: lineChanges(before, after, context).slice(0, mostLines)}]
}

async function compareDisplays(committed: DisplayOutput[], actual: DisplayOutput[], comparison: Comparison): Promise<Difference[]> {
  const found: Difference[] = []
  for (let at = 0; at < Math.max(committed.length, actual.length); at++) {
    const [before, after] = [committed[at]?.data ?? {}, actual[at]?.data ?? {}]
    for (const mime of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      if (!ignores(comparison, mime) && mime !== widgetView) found.push(...(await compareData(`output ${at + 1} ${mime}`, mime, {before: before[mime], after: after[mime], comparison})))
    }
  }
  return found
}

async function compareData(what: string, mime: string, {before, after, comparison}: {before: MimeBundle[string]; after: MimeBundle[string]; comparison: Comparison}): Promise<Difference[]> {
  if (before === undefined || after === undefined) {
    const lines = lineChanges(before === undefined ? '' : dataText(mime, before), after === undefined ? '' : dataText(mime, after), context).slice(0, mostLines)
    return [{what, message: `${what} is ${before === undefined ? 'new' : 'missing'}`, lines}]
  }
  if (typeof before !== 'string' || typeof after !== 'string') return sameValue(after, before, comparison.tolerance) ? [] : compareText(what, dataText(mime, before), dataText(mime, after), comparison)
  if (mime !== 'image/png' && mime !== 'image/jpeg') return compareText(what, dataText(mime, before), dataText(mime, after), comparison)
  if (before.replaceAll(/\s/g, '') === after.replaceAll(/\s/g, '')) return []
  const {imageDistance} = await import('./images.ts')
  const distance = imageDistance(mime, after, before)
  if (typeof distance === 'string') return [{what, message: `${what}: ${distance}`, lines: []}]
  if (distance <= comparison.imageTolerance) return []
  return [{what, message: `${what}: ${(distance * 100).toPrecision(2)} % of the pixels look different, and ${comparison.imageTolerance * 100} % may`, lines: []}]
}

import {errors} from '@cgpu/plugin-sdk'

export type Mask = [name: string, pattern: RegExp]

/** What differs from run to run and says nothing. Dates come before times, and both before durations, which look alike. */
export const builtinMasks: readonly Mask[] = [
  ['uuid', /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi],
  // of pandas' styled tables and of matplotlib's SVG: random, unless salted
  ['id', /\bT_[0-9a-f]{5}(?=_|\b)|(?<=id="|#)[a-z][0-9a-f]{10}\b/g],
  ['address', /\b0x[0-9a-f]{4,}\b/gi],
  ['temp-path', /(?:\/private)?\/(?:tmp|var\/tmp|var\/folders|dev\/shm)\/[^\s'"`,;:)\]}>]+|\b[A-Z]:\\Users\\[^\\\s]+\\AppData\\Local\\Temp\\[^\s'",;)\]}>]+/gi],
  ['date', /\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?Z|\s?UTC|[+-]\d{2}:?\d{2})?)?\b/g],
  ['date', /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* (?:\s?\d{1,2} )?(?:\d{4} )?\d{2}:\d{2}(?::\d{2})?(?: (?:UTC|GMT|[A-Z]{3,4}))?(?: \d{4})?\b/g],
  ['progress', /\[\d+:\d{2}(?::\d{2})?<[^\]]*\]/g],
  ['time', /\b\d{1,2}:\d{2}:\d{2}(?:\.\d+)?\b/g],
  ['duration', /(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?\s?(?:ns|µs|μs|us|ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?)\b(?!\/)/gi],
]

/** The masks that `--mask` and a cell's settings give, as JavaScript regular expressions. Throws INVALID_MASK (64). */
export function masksOf(sources: readonly string[]): Mask[] {
  return sources.map((source) => {
    try {
      return ['mask', new RegExp(source, 'gmu')]
    } catch (error) {
      throw errors.usage(`${JSON.stringify(source).slice(0, 80)} is no regular expression: ${error instanceof Error ? error.message.slice(0, 120) : 'it cannot be read'}`, {code: 'INVALID_MASK', fix: 'write it as JavaScript reads them', cause: error})
    }
  })
}

/** The text as it is compared: what progress bars wrote over is gone, colours too, and each match of a mask is its name. */
export function masked(text: string, masks: readonly Mask[]): string {
  const plain = text.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]/g, '').split('\n').map((line) => line.split('\r').findLast((one) => one !== '') ?? '').join('\n')
  return masks.reduce((done, [name, pattern]) => done.replaceAll(pattern, (match) => (match === '' ? '' : `<${name}>`)), plain)
}

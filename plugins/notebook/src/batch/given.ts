import {ofEachRun} from './flags.ts'
import type {PlannedRun} from './run.ts'

interface Given {
  parameters?: string[] | undefined
  'parameters-raw'?: string[] | undefined
}

/** The flags that do one run of a batch again by itself, but for its places and its set: without parameters that the set replaces, which would win over it then. */
export function wordsOfRun({set, fetch}: Pick<PlannedRun, 'set' | 'fetch'>, flags: Given): Record<string, unknown> {
  const kept = (pairs: readonly string[] | undefined): string[] | undefined => pairs?.filter((pair) => !Object.hasOwn(set, pair.slice(0, pair.indexOf('='))))
  return {...ofEachRun(flags), parameters: kept(flags.parameters), 'parameters-raw': kept(flags['parameters-raw']), fetch, 'fetch-to': undefined}
}

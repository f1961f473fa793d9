import {boolean, integer, string} from '@oclif/core/flags'

const group = {helpGroup: 'BATCH'}

/** Of `notebook run`, for many notebooks or parameter sets. */
export const batchFlags = {
  recursive: boolean({...group, char: 'R', summary: 'take all notebooks in the folders that are given'}),
  grid: string({...group, multiple: true, summary: "run with every combination of values: --grid 'lr=0.1,0.01'", helpValue: 'NAME=VALUES'}),
  matrix: string({...group, multiple: true, summary: "run with each of these sets: a CSV, YAML or JSON file, or 'a=1,2 b=3,4'", helpValue: 'FILE|SETS'}),
  parallel: integer({...group, min: 1, summary: 'how many run at once; default: one on each runtime of --runtime A,B', helpValue: 'N'}),
  'fail-fast': boolean({...group, summary: 'interrupt all at the first failure'}),
  'skip-done': boolean({...group, summary: 'leave out what has a copy that succeeded, of the same cells and parameters'}),
  junit: string({...group, summary: 'write a JUnit XML report', helpValue: 'FILE'}),
  html: string({...group, summary: 'write an HTML report', helpValue: 'FILE'}),
}

export interface BatchFlags {
  runtime?: string | undefined
  recursive?: boolean
  grid?: string[] | undefined
  matrix?: string[] | undefined
  parallel?: number | undefined
  'fail-fast'?: boolean
  'skip-done'?: boolean
  junit?: string | undefined
  html?: string | undefined
}

/** Whether it is a batch: several notebooks, several runtimes, or one of the flags above. */
export function isBatch(notebooks: readonly string[], flags: BatchFlags): boolean {
  const given = Object.keys(batchFlags).some((name) => {
    const value = flags[name as keyof BatchFlags] // one of its keys
    return value !== undefined && value !== false
  })
  return given || notebooks.length > 1 || (flags.runtime?.includes(',') ?? false)
}

/** The flags that hold for each run of a batch, but for where its copy goes. */
export const ofEachRun = (flags: object): Record<string, unknown> => Object.fromEntries(Object.entries(flags).filter(([name]) => !(name in batchFlags) && name !== 'out' && name !== 'inplace'))

/** `--runtime a --runtime b`, which is one flag to the parser, as `--runtime=a,b`. */
export function joinRuntimes(argv: readonly string[]): string[] {
  const end = argv.indexOf('--') === -1 ? argv.length : argv.indexOf('--')
  const at = argv.flatMap((word, index) => (index < end && (word === '--runtime' || word.startsWith('--runtime=')) ? [index] : []))
  if (at.length < 2) return [...argv]
  const names = at.map((index) => (argv[index] === '--runtime' ? argv[index + 1] : argv[index]?.slice('--runtime='.length)) ?? '')
  const rest = argv.filter((_, index) => !at.includes(index) && !(at.includes(index - 1) && argv[index - 1] === '--runtime'))
  return [`--runtime=${names.join(',')}`, ...rest]
}

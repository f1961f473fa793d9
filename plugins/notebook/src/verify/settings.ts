import {errors, parseTimeLimit, sanitizeLine} from '@cgpu/plugin-sdk'
import {z} from 'zod'
import {type Cell, isRecord, tagsOf} from '../format/model.ts'
import {builtinMasks, type Mask, masksOf} from './masks.ts'
import type {Tolerance} from './numbers.ts'

/** How the outputs of a cell are compared. */
export interface Comparison {
  /** not at all */
  skip: boolean
  /** streams and types of data that are left out: `stderr`, `text/html`, `image/*`, `error` */
  ignore: string[]
  masks: Mask[]
  tolerance: Tolerance
  /** share of an image's pixels that may look different */
  imageTolerance: number
  /** undefined: it may take as long as it does */
  budgetMs: number | undefined
}

const share = z.number().min(0).max(1)
const own = z.strictObject({
  skip: z.boolean(), ignore: z.array(z.string()), mask: z.array(z.string()), tolerance: z.number().nonnegative(), absoluteTolerance: z.number().nonnegative(), imageTolerance: share, budget: z.string(),
}).partial()

export interface CompareFlags {
  tolerance: string
  'absolute-tolerance': string
  'image-tolerance': string
  mask?: string[] | undefined
  'builtin-masks': boolean
  'ignore-output'?: string[] | undefined
  budget?: string | undefined
}

/** What the flags say, for cells that say nothing. Throws INVALID_TOLERANCE, INVALID_MASK, INVALID_DURATION (64). */
export function comparisonOf(flags: CompareFlags): Comparison {
  return {
    skip: false, ignore: flags['ignore-output'] ?? [],
    masks: [...masksOf(flags.mask ?? []), ...(flags['builtin-masks'] ? builtinMasks : [])],
    tolerance: {relative: numberOf('tolerance', flags.tolerance), absolute: numberOf('absolute-tolerance', flags['absolute-tolerance'])},
    imageTolerance: numberOf('image-tolerance', flags['image-tolerance']),
    budgetMs: flags.budget === undefined ? undefined : parseTimeLimit(flags.budget),
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw errors.usage(`--${name} ${JSON.stringify(text).slice(0, 60)} is no number from 0 on`, {code: 'INVALID_TOLERANCE', fix: 'give a number such as 0.01 or 1e-6'})
}

/** With what the cell's tags (`skip-compare`, `skip-compare:TYPE`, `budget:2s`) and its `metadata.cgpu.test` say. Throws INVALID_TEST_SETTINGS (65). */
export function forCell(common: Comparison, cell: Cell, number: number): Comparison {
  const {cgpu} = cell.metadata
  const parsed = own.safeParse(isRecord(cgpu) ? (cgpu['test'] ?? {}) : {})
  if (!parsed.success) throw wrong(number, `metadata.cgpu.test${parsed.error.issues[0]?.path.map((one) => `.${String(one)}`).join('') ?? ''}: ${parsed.error.issues[0]?.message ?? 'it is not understood'}`)
  const said = parsed.data
  const tags = tagsOf(cell)
  const after = (prefix: string): string[] => tags.filter((tag) => tag.startsWith(prefix)).map((tag) => tag.slice(prefix.length))
  const budget = after('budget:').at(-1) ?? said.budget
  try {
    return {
      skip: said.skip ?? tags.includes('skip-compare'),
      ignore: [...common.ignore, ...after('skip-compare:'), ...(said.ignore ?? [])],
      masks: [...masksOf(said.mask ?? []), ...common.masks],
      tolerance: {relative: said.tolerance ?? common.tolerance.relative, absolute: said.absoluteTolerance ?? common.tolerance.absolute},
      imageTolerance: said.imageTolerance ?? common.imageTolerance,
      budgetMs: budget === undefined ? common.budgetMs : parseTimeLimit(budget),
    }
  } catch (error) {
    throw wrong(number, error instanceof Error ? error.message : String(error))
  }
}

const wrong = (number: number, why: string) =>
  errors.data(`how cell ${number} is to be tested is not understood: ${sanitizeLine(why, 200)}`, {code: 'INVALID_TEST_SETTINGS', category: 'file', fix: 'see the settings of cells in docs/notebook-test.md'})

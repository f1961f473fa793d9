import {diffArrays} from 'diff'
import type {Cell, Notebook} from '../format/model.ts'

/** A cell of two notebooks, by its index in each; one side is null where only the other has it. */
export interface Pair {
  before: number | null
  after: number | null
  /** it stands elsewhere among the cells that both have */
  moved: boolean
}

/** Cells alike by at least so much, 0 to 1, are one cell that was edited. */
const alike = 0.5
/** Over so many pairs to try, cells are told by what is equal only. */
const manyPairs = 250_000

/**
 * Which cell of one notebook is which of the other: by id, then by equal content in order, then by similar content in order.
 * In the order of `after`, with what is only in `before` where it stood.
 */
export function matchCells(before: Notebook, after: Notebook): Pair[] {
  const partners = new Map<number, number>() // after -> before
  const byId = new Map(before.cells.map(({id}, index) => [id, index]))
  after.cells.forEach(({id, cell_type: type}, index) => {
    const there = byId.get(id)
    if (there !== undefined && before.cells[there]?.cell_type === type) partners.set(index, there)
  })
  const taken = new Set(partners.values())
  const left = {before: indicesOf(before, (index) => !taken.has(index)), after: indicesOf(after, (index) => !partners.has(index))}
  for (const [there, here] of byContent(before, after, left)) partners.set(here, there)
  return inOrder(before.cells.length, after.cells.length, partners)
}

const indicesOf = ({cells}: Notebook, wanted: (index: number) => boolean): number[] => cells.flatMap((_, index) => (wanted(index) ? [index] : []))
const contentOf = ({cell_type: type, source}: Cell): string => `${type}\0${source}`

function byContent(before: Notebook, after: Notebook, left: {before: number[]; after: number[]}): [before: number, after: number][] {
  const found: [number, number][] = []
  const keys = (notebook: Notebook, indices: number[]): string[] => indices.map((index) => contentOf(notebook.cells[index]!))
  const gap = {before: [] as number[], after: [] as number[]}
  const close = (): void => {
    found.push(...bySimilarity(before, after, gap))
    gap.before = []
    gap.after = []
  }
  let [b, a] = [0, 0]
  for (const {added, removed, count} of diffArrays(keys(before, left.before), keys(after, left.after))) {
    if (removed) gap.before.push(...left.before.slice(b, (b += count)))
    else if (added) gap.after.push(...left.after.slice(a, (a += count)))
    else {
      close()
      for (let i = 0; i < count; i++) found.push([left.before[b++]!, left.after[a++]!])
    }
  }
  close()
  return found
}

/** The pairs, in order on both sides, whose similarities add up to the most. */
function bySimilarity(before: Notebook, after: Notebook, gap: {before: number[]; after: number[]}): [before: number, after: number][] {
  const [rows, columns] = [gap.before.length, gap.after.length]
  if (rows === 0 || columns === 0 || rows * columns > manyPairs) return []
  const words = (notebook: Notebook, indices: number[]) => indices.map((index) => ({type: notebook.cells[index]!.cell_type, words: wordsOf(notebook.cells[index]!.source)}))
  const [left, right] = [words(before, gap.before), words(after, gap.after)]
  const score = left.map((one) => right.map((other) => (one.type === other.type ? similarity(one.words, other.words) : 0)))
  // best[i][j]: the most for what begins at i and j
  const best = Array.from({length: rows + 1}, () => new Float64Array(columns + 1))
  const worth = (i: number, j: number): number => (score[i]![j]! >= alike ? score[i]![j]! + best[i + 1]![j + 1]! : -1)
  for (let i = rows - 1; i >= 0; i--) for (let j = columns - 1; j >= 0; j--) best[i]![j] = Math.max(best[i + 1]![j]!, best[i]![j + 1]!, worth(i, j))
  const found: [number, number][] = []
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (worth(i, j) === best[i]![j]) found.push([gap.before[i++]!, gap.after[j++]!])
    else if (best[i + 1]![j] === best[i]![j]) i++
    else j++
  }
  return found
}

interface Words {
  counts: Map<string, number>
  total: number
}

function wordsOf(source: string): Words {
  const all = source.slice(0, 20_000).match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? []
  const counts = new Map<string, number>()
  for (const word of all) counts.set(word, (counts.get(word) ?? 0) + 1)
  return {counts, total: all.length}
}

/** Dice's coefficient of the words of both, 0 to 1. */
function similarity(a: Words, b: Words): number {
  if (a.total + b.total === 0) return 1
  let common = 0
  for (const [word, count] of a.counts) common += Math.min(count, b.counts.get(word) ?? 0)
  return (2 * common) / (a.total + b.total)
}

function inOrder(beforeCount: number, afterCount: number, partners: ReadonlyMap<number, number>): Pair[] {
  const both = [...partners].sort(([a], [b]) => a - b)
  const still = new Set(longestRise(both.map(([, there]) => there)))
  const gone = new Set(Array.from({length: beforeCount}, (_, index) => index))
  for (const [, there] of both) gone.delete(there)
  const pairs: Pair[] = []
  const dropUntil = (end: number): void => {
    for (const index of gone) {
      if (index >= end) break
      gone.delete(index)
      pairs.push({before: index, after: null, moved: false})
    }
  }
  for (let index = 0; index < afterCount; index++) {
    const there = partners.get(index)
    if (there !== undefined && still.has(there)) dropUntil(there)
    pairs.push({before: there ?? null, after: index, moved: there !== undefined && !still.has(there)})
  }
  dropUntil(beforeCount)
  return pairs
}

/** The longest rising subsequence. */
function longestRise(values: readonly number[]): number[] {
  const tails: number[] = [] // places of the lowest end of a rise of each length
  const previous: number[] = []
  values.forEach((value, at) => {
    let [low, high] = [0, tails.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (values[tails[middle]!]! < value) low = middle + 1
      else high = middle
    }
    previous[at] = tails[low - 1] ?? -1
    tails[low] = at
  })
  const rise: number[] = []
  for (let at = tails.at(-1) ?? -1; at >= 0; at = previous[at]!) rise.unshift(values[at]!)
  return rise
}

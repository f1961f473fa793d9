import assert from 'node:assert/strict'
import fc from 'fast-check'
import type {CodeCell, Notebook} from '../format/model.ts'
import {choose} from './choose.ts'
import {executedCells, takeOver} from './former.ts'
import type {Mode} from './plan.ts'
import {kernelRecordOf, RunRecord} from './record.ts'

/** What a kernel is, as far as this is about: names with numbers, and how many executions it has seen. */
interface Kernel {
  id: string
  names: Map<string, number>
  count: number
}

let made = 0
const freshKernel = (): Kernel => ({id: `k${++made}`, names: new Map(), count: 0})

/** Runs lines such as `a = b + 1`, `a += 2`, `print(a)`; false: a name is not there. */
function execute(cell: CodeCell, {names}: Kernel): boolean {
  cell.outputs = []
  for (const line of cell.source.split('\n')) {
    const [, name = '', op, other, number = '0', shown] = /^(\w) (\+?=) (?:(\w) \+ )?(\d)$|^print\((\w)\)$/.exec(line) ?? []
    const needed = [shown, other, op === '+=' ? name : undefined].filter((one) => one !== undefined)
    if (needed.some((one) => !names.has(one))) return false
    if (shown === undefined) names.set(name, Number(number) + (op === '+=' ? names.get(name) ?? 0 : other === undefined ? 0 : names.get(other) ?? 0))
    else cell.outputs.push({output_type: 'stream', name: 'stdout', text: `${names.get(shown)}`})
  }
  return true
}

const notebookOf = (cells: readonly {id: string; source: string}[]): Notebook =>
  ({cells: cells.map(({id, source}) => ({cell_type: 'code', id, source, metadata: {}, outputs: [], execution_count: null})), metadata: {kernelspec: {name: 'python3'}}, nbformat: 4, nbformat_minor: 5})

/** As Again and a run do it. Gives the kernel that is left; `told`: it said that the results may be others; `killed`: the client ends after so many cells, in the middle of the next. */
async function runAgain(notebook: Notebook, {copy, kernel, mode, killed}: {copy: Notebook; kernel: Kernel | undefined; mode: Mode; killed: number}): Promise<{kernel: Kernel; told: boolean}> {
  const cells = notebook.cells as CodeCell[] // all are
  const executed = executedCells(copy, {same: false})
  const said = kernelRecordOf(copy)
  const input = {notebook, cells, executed, mode, kernelName: undefined}
  const usable = kernel !== undefined && said?.id === kernel.id && !said.pending.includes('*')
  const again = usable ? await choose({...input, kernel: kernel.id, pending: said.pending}) : undefined
  const keeps = again !== undefined && again.leftover.length === 0
  const choice = keeps ? again : await choose({...input, kernel: undefined, pending: []})
  const on = keeps && kernel ? kernel : freshKernel()
  const due = cells.filter((cell, at) => {
    const former = choice.pairing.of.get(cell.id)
    if (!choice.cells[at]?.run && former) takeOver(cell, former)
    return choice.cells[at]?.run
  })
  const record = new RunRecord(notebook, {id: on.id, count: keeps ? (said?.count ?? 0) : 0, pending: keeps ? choice.pending : []})
  record.due(due)
  const left = {kernel: on, told: keeps && choice.halfDone.length > 0}
  for (const [at, cell] of due.entries()) {
    record.begin(cell)
    on.count += 1
    record.counted(cell, on.count)
    const ok = execute(cell, on)
    if (at === killed) return left
    record.end(cell, ok ? 'ok' : 'error')
    if (!ok) return left
  }
  record.whole(choice.after)
  return left
}

const line = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3)).map(([name, number]) => `${name} = ${number}`),
  fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('a', 'b', 'c')).map(([name, other]) => `${name} = ${other} + 1`),
  fc.constantFrom('a', 'b', 'c').map((name) => `${name} += 1`),
  fc.constantFrom('a', 'b', 'c').map((name) => `print(${name})`),
)
const source = fc.array(line, {minLength: 1, maxLength: 2}).map((lines) => lines.join('\n'))
const edit = fc.oneof(
  fc.record({kind: fc.constant('change' as const), at: fc.nat(5), source}), fc.record({kind: fc.constant('add' as const), at: fc.nat(5), source}),
  fc.record({kind: fc.constant('remove' as const), at: fc.nat(5), source}), fc.record({kind: fc.constant('swap' as const), at: fc.nat(5), source}),
)
const round = fc.record({edits: fc.array(edit, {maxLength: 2}), killed: fc.oneof({weight: 4, arbitrary: fc.constant(-1)}, fc.nat(3)), mode: fc.constantFrom('changed' as const, 'changed' as const, 'failed' as const, 'resume' as const), lost: fc.oneof({weight: 4, arbitrary: fc.constant(false)}, fc.constant(true))})

describe('running again, whatever was edited, killed or lost', () => {
  it('gives what a run of everything gives, or says that it may not', async () => {
    await fc.assert(fc.asyncProperty(fc.array(source, {minLength: 1, maxLength: 5}), fc.array(round, {minLength: 1, maxLength: 5}), async (first, rounds) => {
      let next = 0
      const cells = ['a = 1\nb = 1\nc = 1', ...first].map((one) => ({id: `i${next++}`, source: one}))
      let copy = notebookOf([])
      let kernel: Kernel | undefined
      for (const {edits, killed, lost, mode} of [{edits: [], killed: -1, lost: false, mode: 'changed' as const}, ...rounds]) {
        for (const {kind, at, source: text} of edits) {
          const place = at % (cells.length + 1)
          if (kind === 'add') cells.splice(place, 0, {id: `i${next++}`, source: text})
          else if (kind === 'remove') cells.splice(place, 1)
          else if (kind === 'swap') cells.push(...cells.splice(place, 1))
          else if (cells[place]) cells[place] = {...cells[place], source: text}
        }
        const notebook = notebookOf(cells)
        const ran = await runAgain(notebook, {copy, kernel: lost ? undefined : kernel, mode, killed})
        if (ran.told) return
        kernel = ran.kernel
        copy = structuredClone(notebook)
        if (killed >= 0) continue
        const [clean, pure] = [notebookOf(cells), freshKernel()]
        for (const [at, cell] of (clean.cells as CodeCell[]).entries()) {
          const [ok, mine] = [execute(cell, pure), copy.cells[at] as CodeCell] // the same cells
          if (!ok) break
          assert.deepEqual(mine.outputs, cell.outputs, `cell ${at + 1} of ${JSON.stringify(cells.map((one) => one.source))}`)
        }
      }
    }), {numRuns: Number(process.env['RUNS'] ?? 300)})
  })
})

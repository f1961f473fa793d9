import {outputLines} from '../compare/output-text.ts'
import {type Cell, type CodeCell, isRecord, type Notebook, type Output, tagsOf} from '../format/model.ts'
import {inspect} from '../parameters/inspect.ts'
import {parametersTag} from '../parameters/tags.ts'
import {secretsIn} from './secrets.ts'

export interface LintOptions {
  /** bytes of one cell's outputs in the file */
  maxOutputBytes: number
}

/** `cell`: its index; absent: it is about the whole notebook */
export interface Problem {
  cell?: number
  message: string
}

export interface Rule {
  id: string
  /** what it looks for, as a help page says it */
  summary: string
  /** `--fix` mends it */
  fixable: boolean
  find(notebook: Notebook, options: LintOptions): Problem[]
}

const codeCells = ({cells}: Notebook): {cell: CodeCell; index: number}[] =>
  cells.flatMap((cell, index) => (cell.cell_type === 'code' && cell.source.trim() !== '' ? [{cell, index}] : []))

const inCells = (notebook: Notebook, find: (cell: Cell, index: number) => string | undefined): Problem[] =>
  notebook.cells.flatMap((cell, index) => {
    const message = find(cell, index)
    return message === undefined ? [] : [{cell: index, message}]
  })

const outputsOf = (cell: Cell): Output[] => (cell.cell_type === 'code' ? cell.outputs : [])
const homePath = /(?:\/(?:home|Users)\/|\b[A-Za-z]:\\+Users\\+)(?!runner\b|Shared\b|jovyan\b)[\w.-]+|\/root\/(?=\w)/

const sizeOf = (bytes: number): string => (bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`)

/** In the order in which they are listed. */
export const rules: readonly Rule[] = [
  {
    id: 'execution-order', fixable: false, summary: 'cells were executed in another order than they stand, or on a kernel that had run others',
    find(notebook) {
      let last = 0
      const counted = codeCells(notebook).filter(({cell}) => cell.execution_count !== null)
      return counted.flatMap(({cell, index}) => {
        const expected = last + 1
        last = cell.execution_count ?? last
        return last === expected ? [] : [{cell: index, message: `its execution count is ${last}, after ${expected - 1}`}]
      })
    },
  },
  {
    id: 'not-executed', fixable: false, summary: 'code without an execution count beside code that has one',
    find(notebook) {
      const all = codeCells(notebook).filter(({cell}) => !tagsOf(cell).includes('skip-execution'))
      if (all.every(({cell}) => cell.execution_count === null)) return []
      return all.flatMap(({cell, index}) => (cell.execution_count === null ? [{cell: index, message: 'it was not executed, and others were'}] : []))
    },
  },
  {id: 'empty-cell', fixable: true, summary: 'a cell without content', find: (notebook) => inCells(notebook, (cell) => (cell.source.trim() === '' ? `it is an empty ${cell.cell_type} cell` : undefined))},
  {
    id: 'duplicate-id', fixable: true, summary: 'two cells with the same id',
    find: (notebook) => inCells(notebook, ({id}, index) => {
      const first = notebook.cells.findIndex((one) => one.id === id)
      return first === index ? undefined : `it has the id of cell ${first + 1}, ${id}`
    }),
  },
  {
    id: 'missing-kernelspec', fixable: false, summary: 'the notebook does not say which kernel it needs',
    find({metadata: {kernelspec}}) {
      return isRecord(kernelspec) && typeof kernelspec['name'] === 'string' && kernelspec['name'] !== '' ? [] : [{message: 'it does not say which kernel it needs (metadata.kernelspec.name)'}]
    },
  },
  {
    id: 'parameters-cell', fixable: false, summary: 'more than one cell, or one that is no code, is tagged parameters, or it sets a parameter of no known type',
    find(notebook) {
      const tagged = notebook.cells.flatMap((cell, index) => (tagsOf(cell).includes(parametersTag) ? [{cell, index}] : []))
      return tagged.flatMap(({cell, index}, at) => {
        if (cell.cell_type !== 'code') return [{cell: index, message: `it is tagged ${parametersTag}, and is no code`}]
        if (at > 0) return [{cell: index, message: `it is tagged ${parametersTag}, as cell ${tagged[0]!.index + 1} is`}]
        return inspect(cell.source).filter(({type}) => type === null).map(({name}) => ({cell: index, message: `the parameter ${name} has no type`}))
      })
    },
  },
  {
    id: 'huge-output', fixable: false, summary: 'outputs of a cell that take more of the file than --max-output',
    find: (notebook, {maxOutputBytes}) => inCells(notebook, (cell) => {
      const bytes = outputsOf(cell).reduce((sum, output) => sum + Buffer.byteLength(JSON.stringify(output)), 0)
      return bytes > maxOutputBytes ? `its outputs take ${sizeOf(bytes)}` : undefined
    }),
  },
  {
    id: 'secret', fixable: false, summary: 'what looks like a key or a password, in a source or an output',
    find: (notebook) => notebook.cells.flatMap((cell, index) => {
      const inSource = secretsIn(cell.source).map((kind) => `its source holds ${kind}`)
      const inOutputs = secretsIn(outputsOf(cell).map(outputLines).join('\n')).map((kind) => `its output holds ${kind}`)
      return [...inSource, ...inOutputs].map((message) => ({cell: index, message}))
    }),
  },
  {
    id: 'home-path', fixable: false, summary: 'a path in somebody\'s home folder, in a source or an output',
    find: (notebook) => inCells(notebook, (cell) => {
      const where = homePath.test(cell.source) ? 'source' : outputsOf(cell).some((output) => homePath.test(outputLines(output))) ? 'output' : undefined
      return where && `its ${where} names a path in a home folder`
    }),
  },
  {
    id: 'error-output', fixable: false, summary: 'an error among the outputs of a cell that is not tagged raises-exception',
    find: (notebook) => inCells(notebook, (cell) => {
      const error = tagsOf(cell).includes('raises-exception') ? undefined : outputsOf(cell).find((output) => output.output_type === 'error')
      return error?.output_type === 'error' ? `it ended with ${error.ename === '' ? 'an error' : error.ename}` : undefined
    }),
  },
]

import {randomUUID} from 'node:crypto'
import {type CellOutcome, ExitCode, type HookHost, type NotebookCell, type NotebookHooks, type NotebookRequest, sanitizeLine} from '@cgpu/plugin-sdk'
import {type CodeCell, isRecord, type Notebook, tagsOf} from '../format/model.ts'
import {parametersOf} from '../parameters/inspect.ts'
import type {Value} from '../parameters/value.ts'
import {plain} from '../parameters/values.ts'
import type {Performed} from '../run/perform.ts'
import type {CellResult, RunOptions} from '../run/run-notebook.ts'
import {endOfFailure, endOfRun, type NotebookEnd} from './outcome.ts'

/** What other plugins are asked and told of one run; only there where one listens. */
export class AskedPlugins {
  readonly #hooks: NotebookHooks
  readonly #host: HookHost
  readonly #request: NotebookRequest
  #told = false

  constructor(host: HookHost, hooks: NotebookHooks, about: AboutNotebook) {
    this.#host = host
    this.#hooks = hooks
    this.#request = {id: randomUUID(), ...about}
  }

  /** The parameters with those that plugins add; the given ones win. Throws VETOED (75). */
  async parameters(given: Record<string, Value>, notebook: Notebook): Promise<Record<string, Value>> {
    this.#request.parameters = plainOf(given)
    const added = (await this.#hooks.before?.(this.#request)) ?? {}
    const declared = parametersOf(notebook)?.map(({name}) => name)
    const all: Record<string, Value> = {}
    for (const [name, value] of Object.entries(added)) {
      const one = valueOf(value)
      if (one === undefined || (declared && !declared.includes(name))) this.#host.warn(`a plugin gave the parameter "${sanitizeLine(name, 80)}", which ${one === undefined ? 'is no value' : 'the notebook does not have'}: it is left out`)
      else all[name] = one
    }
    Object.assign(all, given)
    this.#request.parameters = plainOf(all)
    return all
  }

  /** For the run. */
  get cells(): Pick<RunOptions, 'beforeCell' | 'afterCell'> {
    const {beforeCell, afterCell} = this.#hooks
    return {
      ...(beforeCell ? {beforeCell: (cell: CodeCell, index: number) => beforeCell(this.#request, cellOf(cell, index))} : {}),
      ...(afterCell ? {
        afterCell: (cell: CodeCell, result: CellResult) => afterCell(this.#request, cellOf(cell, result.index), outcomeOf(result)),
      } : {}),
    }
  }

  /** Does the run, and tells how it ended, whatever happens. */
  async told(work: () => Promise<Performed>): Promise<Performed> {
    const started = performance.now()
    let end: NotebookEnd = {status: 'error', exitStatus: ExitCode.internal, cells: 0}
    try {
      const done = await work()
      end = endOfRun(done.result, done.failure?.({}))
      return done
    } catch (error) {
      end = endOfFailure(error)
      throw error
    } finally {
      await this.#end(end, started)
    }
  }

  /** Starts what is left running: where that fails, it has ended. */
  async started<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    try {
      return await work()
    } catch (error) {
      await this.#end(endOfFailure(error), started)
      throw error
    }
  }

  async #end(end: NotebookEnd, started: number): Promise<void> {
    if (this.#told) return
    this.#told = true
    await this.#hooks.after?.(this.#request, {...end, durationMs: performance.now() - started})
  }
}

/** What is known of a run before it begins. `id`: absent, it gets one. */
export type AboutNotebook = Pick<NotebookRequest, 'notebook' | 'output' | 'detached'> & {id?: string}

export const cellOf = (cell: CodeCell, index: number): NotebookCell => ({id: cell.id, index, source: cell.source, tags: tagsOf(cell)})

/** How a cell ended, as plugins are told. */
export function outcomeOf({status, durationSeconds, error}: Pick<CellResult, 'status' | 'durationSeconds' | 'error'>): CellOutcome {
  return {status, durationMs: durationSeconds * 1000, ...(error ? {error: {name: error.name, message: error.message}} : {})}
}

const plainOf = (values: Record<string, Value>): Record<string, unknown> => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]))

/** JSON as a parameter; undefined for what is none. */
function valueOf(json: unknown): Value | undefined {
  if (json === null || typeof json === 'boolean' || typeof json === 'string') return json
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : json
  if (Array.isArray(json)) {
    const all = json.map(valueOf)
    return all.every((one) => one !== undefined) ? all : undefined
  }
  if (!isRecord(json)) return undefined
  const all = Object.entries(json).map(([name, value]) => [name, valueOf(value)] as const)
  return all.every(([, value]) => value !== undefined) ? (Object.fromEntries(all) as Record<string, Value>) : undefined // checked before
}

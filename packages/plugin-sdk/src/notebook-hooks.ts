import {isProjectEvent} from '@cgpu/core/hooks/declared'
import {sanitizeLine} from '@cgpu/core/text/line'
import {fireForCell} from './cell-hooks.ts'
import {fire, type HookHost, pluginListens} from './fire.ts'
import {refuseVeto} from './hooks.ts'
import type {CellOutcome, CgpuEvent, NotebookCell, NotebookOutcome, NotebookRequest} from './hook-types.ts'
import {declaresHook} from './project-hooks.ts'

/** What whoever executes notebooks asks and tells plugins. What nobody listens to is absent, and costs nothing. */
export interface NotebookHooks {
  /** The parameters that plugins add, by their names: a later plugin wins, the user's own are kept. Throws VETOED (75). */
  before?: (request: NotebookRequest) => Promise<Record<string, unknown>>
  after?: (request: NotebookRequest, outcome: NotebookOutcome) => Promise<void>
  /** A reason to leave the cell out; undefined: it runs. Throws VETOED (75). */
  beforeCell?: (request: NotebookRequest, cell: NotebookCell) => Promise<string | undefined>
  afterCell?: (request: NotebookRequest, cell: NotebookCell, outcome: CellOutcome) => Promise<void>
}

/** Asks no plugin yet: looks who listens. A hook that throws or takes too long becomes a warning. */
export async function notebookHooks(host: HookHost): Promise<NotebookHooks> {
  const [before, after, beforeCell, afterCell] = await Promise.all((['notebook:before', 'notebook:after', 'cell:before', 'cell:after'] as const).map((event) => listens(host, event)))
  return {
    ...(before ? {before: (request) => parametersBefore(host, request)} : {}),
    ...(after ? {after: async (request, outcome) => void (await fire(host, 'notebook:after', {request, outcome}))} : {}),
    ...(beforeCell ? {beforeCell: (request, cell) => reasonToSkip(host, request, cell)} : {}),
    ...(afterCell ? {afterCell: async (request, cell, outcome) => void (await fireForCell(host, 'cell:after', {request, cell, outcome}))} : {}),
  }
}

/** Whether a plugin, or the project's file, has a hook for the event. */
async function listens(host: HookHost, event: CgpuEvent): Promise<boolean> {
  if (pluginListens(host.config, event)) return true
  return isProjectEvent(event) && declaresHook(host, event)
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

async function parametersBefore(host: HookHost, request: NotebookRequest): Promise<Record<string, unknown>> {
  const answers = await fire(host, 'notebook:before', {request})
  refuseVeto(answers, 'this notebook')
  const parameters: Record<string, unknown> = {}
  for (const {plugin, result} of answers) {
    const given: unknown = isRecord(result) ? result['parameters'] : undefined
    if (isRecord(given)) Object.assign(parameters, given)
    else if (given !== undefined) host.warn(`plugin ${sanitizeLine(plugin, 100)} gave parameters that are not an object`)
  }
  return parameters
}

async function reasonToSkip(host: HookHost, request: NotebookRequest, cell: NotebookCell): Promise<string | undefined> {
  const answers = await fireForCell(host, 'cell:before', {request, cell})
  refuseVeto(answers, `cell ${cell.index + 1}`)
  for (const {plugin, result} of answers) {
    const skip: unknown = isRecord(result) ? result['skip'] : undefined
    if (typeof skip === 'string' && skip !== '') return `${sanitizeLine(plugin, 100)}: ${sanitizeLine(skip, 300)}`
    if (skip !== undefined) host.warn(`plugin ${sanitizeLine(plugin, 100)} gave a reason to skip cell ${cell.index + 1} that is not text`)
  }
  return undefined
}

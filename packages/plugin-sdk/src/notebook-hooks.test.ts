import assert from 'node:assert/strict'
import type {CgpuError} from '@cgpu/core/errors'
import type {HookHost} from './fire.ts'
import type {NotebookCell, NotebookRequest} from './hook-types.ts'
import {notebookHooks} from './notebook-hooks.ts'

/** A host with plugins that answer as told, by their names. */
function hostWith(answers: Record<string, Record<string, unknown>>): HookHost & {warnings: string[]; asked: string[]} {
  const warnings: string[] = []
  const asked: string[] = []
  const runHook = async (event: string) => {
    asked.push(event)
    return {successes: Object.entries(answers).filter(([, all]) => event in all).map(([name, all]) => ({plugin: {name}, result: all[event]})), failures: []}
  }
  const plugins = new Map(Object.entries(answers).map(([name, all]) => [name, {name, root: `/${name}`, type: 'user', hooks: all}]))
  return {config: {runHook, plugins} as unknown as HookHost['config'], warn: (message) => warnings.push(message), warnings, asked} // the part of it that is used
}

const request: NotebookRequest = {id: 'n1', notebook: 'a.ipynb', output: 'a.out.ipynb'}
const cell: NotebookCell = {id: 'c', index: 2, source: '1', tags: []}

describe('hooks of notebooks', () => {
  it('are absent where nobody listens, and nobody is asked', async () => {
    const host = hostWith({other: {'execution:before': undefined}})
    assert.deepEqual([await notebookHooks(host), host.asked], [{}, []])
    assert.deepEqual(Object.keys(await notebookHooks(hostWith({one: {'cell:after': undefined}}))), ['afterCell'])
  })

  it('merge parameters by the plugins\' names, and leave out what is none', async () => {
    const host = hostWith({b: {'notebook:before': {parameters: {x: 2}}}, a: {'notebook:before': {parameters: {x: 1, y: 1}}}, c: {'notebook:before': {parameters: [1]}}})
    assert.deepEqual(await (await notebookHooks(host)).before?.(request), {x: 2, y: 1})
    assert.deepEqual(host.warnings, ['plugin c gave parameters that are not an object'])
  })

  it('leave a cell out with the first reason, or forbid it', async () => {
    const skipping = await notebookHooks(hostWith({b: {'cell:before': {skip: 'slow'}}, a: {'cell:before': {skip: 1}}}))
    assert.equal(await skipping.beforeCell?.(request, cell), 'b: slow')
    const vetoing = await notebookHooks(hostWith({a: {'cell:before': {veto: 'no'}}, b: {'cell:before': {skip: 'slow'}}}))
    await assert.rejects(async () => vetoing.beforeCell?.(request, cell), (error: CgpuError) => error.code === 'VETOED' && error.exit === 75 && /vetoed cell 3: no/.test(error.message))
  })
})

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

describe('hooks of cells', () => {
  it('that fail are told of once, and who is late three times is asked no more, by no run of that command', async () => {
    const warnings: string[] = []
    const asked: string[] = []
    const failures: Record<string, string> = {late: 'Timed out after 2000 ms.', held: 'held took too long in cell:before', broken: 'no'}
    const config = {
      plugins: new Map(['late', 'held', 'broken', 'good'].map((name) => [name, {name, root: `/${name}`, type: 'user', hooks: {'cell:before': [], 'cell:after': []}}])),
      async runHook(event: string) {
        const all = [...this.plugins.values()].map(({name}) => name)
        asked.push(`${event} ${all.join(' ')}`)
        return {
          successes: all.filter((name) => !(name in failures)).map((name) => ({plugin: {name}, result: {skip: 'slow'}})),
          failures: all.filter((name) => name in failures).map((name) => ({plugin: {name}, error: new Error(failures[name])})),
        }
      },
    }
    const host = {config: config as unknown as HookHost['config'], warn: (message: string) => warnings.push(message)} // the part of it that is used
    for (const run of [1, 2]) {
      const {beforeCell, afterCell} = await notebookHooks(host)
      for (let index = 0; index < 2; index++) {
        assert.equal(await beforeCell?.({...request, id: String(run)}, cell), 'good: slow')
        if (index === 0) await afterCell?.(request, cell, {status: 'ok', durationMs: 1})
      }
    }
    assert.deepEqual(asked, [
      'cell:before late held broken good', 'cell:after late held broken good', 'cell:before late held broken good', 'cell:before broken good', 'cell:after broken good', 'cell:before broken good',
    ])
    const failed = (event: string) => ['broken', 'held', 'late'].map((name) => `plugin ${name} failed in ${event}: ${failures[name]}`)
    const gone = ['held', 'late'].map((name) => `plugin ${name} was late 3 times, and is asked about no more cells`)
    assert.deepEqual([...warnings].sort(), [...failed('cell:before'), ...failed('cell:after'), ...gone].sort())
  })
})

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

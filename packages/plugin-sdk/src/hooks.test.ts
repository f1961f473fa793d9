import assert from 'node:assert/strict'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {ExecutionOutcome, ExecutionRequest} from './hook-types.ts'
import {fire, type HookHost} from './fire.ts'
import {beforeCreate, withExecution} from './hooks.ts'

type Answer = {plugin: string; result?: unknown; error?: Error}

/** A host whose plugins answer as told; oclif's own runner is used by the e2e tests. */
function hostWith(answers: Record<string, Answer[]>): HookHost & {warnings: string[]; asked: [string, unknown][]} {
  const warnings: string[] = []
  const asked: [string, unknown][] = []
  const runHook = async (event: string, options: unknown) => {
    asked.push([event, options])
    const all = answers[event] ?? []
    return {
      successes: all.filter(({error}) => !error).map(({plugin, result}) => ({plugin: {name: plugin}, result})),
      failures: all.filter(({error}) => error).map(({plugin, error}) => ({plugin: {name: plugin}, error})),
    }
  }
  return {config: {runHook: runHook as unknown as HookHost['config']['runHook']}, warn: (message) => warnings.push(message), warnings, asked}
}

const request: ExecutionRequest = {id: 'r1', kind: 'run', runtime: {id: 'x', name: 'x', provider: 'local'}, argv: ['a.py'], envNames: []}
const outcomeOf = (host: ReturnType<typeof hostWith>): ExecutionOutcome =>
  (host.asked.find(([event]) => event === 'execution:after')?.[1] as {outcome: ExecutionOutcome}).outcome

describe('fire', () => {
  it('sorts answers by plugin, whichever came first', async () => {
    const host = hostWith({'runtime:after-create': [{plugin: 'z'}, {plugin: 'a'}]})
    const answers = await fire(host, 'runtime:after-create', {runtime: {id: '1', name: 'x', provider: 'local'}})
    assert.deepEqual(answers.map(({plugin}) => plugin), ['a', 'z'])
    assert.equal((host.asked[0]?.[1] as {contract: number}).contract, 1)
  })

  it('turns a failing plugin into a warning', async () => {
    const host = hostWith({'runtime:after-create': [{plugin: 'bad', error: new Error('boom\u001b[2J')}]})
    assert.deepEqual(await fire(host, 'runtime:after-create', {runtime: {id: '1', name: 'x', provider: 'local'}}), [])
    assert.deepEqual(host.warnings, ['plugin bad failed in runtime:after-create: boom\\x1b[2J'])
  })
})

describe('withExecution', () => {
  it('merges environments by plugin name; the user\'s own wins', async () => {
    const host = hostWith({'execution:before': [{plugin: 'b', result: {env: {A: 'b', B: 'b', C: 'b'}}}, {plugin: 'a', result: {env: {A: 'a', B: 'a'}}}]})
    await withExecution(host, request, {C: 'user'}, async (env) => assert.deepEqual(env, {A: 'b', B: 'b', C: 'user'}))
    assert.equal(outcomeOf(host).status, 'ok')
  })

  it('warns of an environment that cannot be set', async () => {
    const host = hostWith({'execution:before': [{plugin: 'a', result: {env: {'X=Y': '1', Z: 2}}}, {plugin: 'b', result: {env: 'no'}}]})
    await withExecution(host, request, {}, async (env) => assert.deepEqual(env, {}))
    assert.equal(host.warnings.length, 3)
  })

  it('stops at a veto, with exit 75, before anything runs', async () => {
    const host = hostWith({'execution:before': [{plugin: 'police', result: {veto: 'not today'}}]})
    let ran = false
    const failing = withExecution(host, request, {}, async () => void (ran = true))
    await assert.rejects(failing, (error) => error instanceof CgpuError && error.exit === 75 && /police vetoed this execution: not today/.test(error.message))
    assert.equal(ran, false)
    assert.partialDeepStrictEqual(outcomeOf(host), {status: 'vetoed', error: {code: 'VETOED'}})
  })

  const ends: [title: string, body: () => Promise<number>, expected: Partial<ExecutionOutcome>][] = [
    ['success', async () => 0, {status: 'ok', exitStatus: 0}],
    ['a failed program', async () => 3, {status: 'error', exitStatus: 3}],
    ['an error', async () => { throw new TypeError('no') }, {status: 'error', error: {code: 'TypeError', message: 'no'}}],
    ['a loss', async () => { throw errors.lost('gone', {code: 'JOB_LOST'}) }, {status: 'lost', error: {code: 'JOB_LOST', message: 'gone'}}],
    ['Ctrl-C', async () => 130, {status: 'interrupted', exitStatus: 130}],
    ['an interruption', async () => { throw new DOMException('stop', 'AbortError') }, {status: 'interrupted'}],
  ]
  for (const [title, body, expected] of ends) {
    it(`tells the after-hooks of ${title}`, async () => {
      const host = hostWith({})
      await withExecution(host, request, {}, body, (exitStatus) => ({exitStatus})).catch(() => undefined)
      const {durationMs, ...outcome} = outcomeOf(host)
      assert.ok(durationMs >= 0)
      assert.partialDeepStrictEqual(outcome, expected)
    })
  }
})

describe('beforeCreate', () => {
  const spec = {name: 'x', accelerator: {kind: 'cpu'} as const}

  it('applies the changes in order of plugin names', async () => {
    const host = hostWith({'runtime:before-create': [{plugin: 'b', result: {spec: {image: 'b'}}}, {plugin: 'a', result: {spec: {image: 'a', highRam: true}}}]})
    assert.deepEqual(await beforeCreate(host, 'local', spec), {...spec, image: 'b', highRam: true})
  })

  it('stops at a veto', () => assert.rejects(beforeCreate(hostWith({'runtime:before-create': [{plugin: 'p', result: {veto: 'no'}}]}), 'local', spec), {code: 'VETOED'}))
})

import assert from 'node:assert/strict'
import {join} from 'node:path'
import type {PlannedRun} from './run.ts'
import {SharedTravel, type SharedTravelOptions} from './shared-travel.ts'

const runOf = (n: number, notebook: string): PlannedRun => ({n, notebook, name: 'a', folder: '', set: {}, label: `run ${n}`, output: `${n}.ipynb`, fetch: [`${n}.csv`], fetchTo: `${n}_files`})
const never = new AbortController().signal

describe('what travels with a batch', () => {
  const told: string[] = []
  let broken = 0
  const plan: SharedTravelOptions['plan'] = async ({notebook, flags, onWarning}) => ({
    async send(runtime) {
      told.push(`${notebook} to ${runtime}`)
      if (broken-- > 0) throw new Error('broken')
    },
    async fetch(runtime) {
      onWarning('none')
      return [`${runtime} ${flags.fetch?.join(' ')} ${flags['fetch-to']}`]
    },
  })
  beforeEach(() => told.splice(0))

  it('is sent to each runtime once, of each folder, and again where that failed', async () => {
    const shared = new SharedTravel({flags: {include: ['data']}, warn: (message) => void told.push(message), plan})
    const travels = await Promise.all([runOf(1, 'a.ipynb'), runOf(2, 'b.ipynb'), runOf(3, join('sub', 'c.ipynb'))].map((run) => shared.of(run)))
    broken = 1
    await Promise.all(travels.slice(0, 2).map((travel) => assert.rejects(travel?.send('x', never) ?? Promise.resolve(), /broken/)))
    for (const runtime of ['x', 'y', 'x']) await Promise.all(travels.map(async (travel) => travel?.send(runtime, never)))
    assert.deepEqual(told, ['a.ipynb to x', 'a.ipynb to x', `${join('sub', 'c.ipynb')} to x`, 'a.ipynb to y', `${join('sub', 'c.ipynb')} to y`])
  })

  it('comes back to each run by itself, and says of which it does not', async () => {
    const shared = new SharedTravel({flags: {}, warn: (message) => void told.push(message), plan})
    assert.deepEqual(await (await shared.of(runOf(2, 'a.ipynb')))?.fetch('x'), ['x 2.csv 2_files'])
    assert.deepEqual(told, ['run 2: none'])
  })
})

import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type {Assignment} from '../api/api.ts'
import {isOurs, reconcile} from './reconcile.ts'
import type {Made, Records} from './records.ts'

const now = '2026-11-22T12:00:00.000Z'
const me = 'google:me@example.com'
const names = ['e1', 'e2', 'e3', 'e4', 'e5']
const keys = ['k1', 'k2', 'cgpu-0000000000000003', 'k4']
const covers = (key: string): boolean => !key.startsWith('cgpu-')

const assignment: fc.Arbitrary<Assignment> = fc.record({
  endpoint: fc.constantFrom(...names), accelerator: fc.constant('T4'), variant: fc.constant('GPU'), shape: fc.constant('standard'),
  notebookHash: fc.option(fc.constantFrom(...keys), {nil: undefined}),
}).map(({notebookHash, ...one}) => ({...one, ...(notebookHash === undefined ? {} : {notebookHash})}))
const answer = fc.uniqueArray(assignment, {selector: ({endpoint}) => endpoint})

const made = (key: string): fc.Arbitrary<Made> => fc.record({
  account: fc.constantFrom(me, 'google:other@example.com'), endpoint: fc.option(fc.constantFrom(...names), {nil: undefined}), kept: fc.boolean(),
}).map(({account, endpoint, kept}) => ({key, account, createdAt: now, owner: kept ? null : {pid: 7}, ...(endpoint === undefined ? {} : {endpoint})}))
const records: fc.Arbitrary<Records> = fc.record({
  made: fc.subarray(keys).chain((some) => fc.tuple(...some.map(made))).map((all) => Object.fromEntries(all.map((one) => [one.key, one]))),
  seen: fc.dictionary(fc.constantFrom(...names), fc.record({account: fc.constantFrom(me, 'google:other@example.com'), firstSeen: fc.constant('2026-01-01T00:00:00.000Z')}), {noNullPrototype: true}),
})

const run = (before: Records, assignments: Assignment[]) => reconcile(before, {account: me, assignments, now, covers})

describe('what is remembered of Colab\'s machines', () => {
  it('shows every machine of the answer, and remembers each', () => {
    fc.assert(fc.property(records, answer, (before, assignments) => {
      const {machines, records: after} = run(before, assignments)
      assert.deepEqual(machines.map((one) => one.assignment.endpoint), assignments.map((one) => one.endpoint))
      for (const {assignment: {endpoint}, made: own} of machines) {
        assert.ok(own ? after.made[own.key]?.endpoint !== undefined : after.seen[endpoint] || Object.values(after.made).some((one) => one.endpoint === endpoint))
      }
    }))
  })

  it('keeps intents that no answer was seen to, what another account has, and what the answer does not cover', () => {
    fc.assert(fc.property(records, answer, (before, assignments) => {
      const {records: after} = run(before, assignments)
      for (const [key, one] of Object.entries(before.made)) {
        if (one.endpoint === undefined || one.account !== me || !covers(key)) assert.ok(after.made[key], key)
        assert.equal(after.made[key]?.owner ?? one.owner, one.owner)
        assert.equal(after.made[key]?.createdAt ?? one.createdAt, one.createdAt)
      }
    }))
  })

  it('forgets what the answer no longer has', () => {
    fc.assert(fc.property(records, answer, (before, assignments) => {
      const there = new Set(assignments.map((one) => one.endpoint))
      const {records: after} = run(before, assignments)
      for (const [key, one] of Object.entries(after.made)) {
        if (one.account === me && one.endpoint !== undefined && covers(key)) assert.ok(there.has(one.endpoint))
      }
      for (const [endpoint, one] of Object.entries(after.seen)) if (one.account === me) assert.ok(there.has(endpoint))
    }))
  })

  it('changes nothing the second time', () => {
    fc.assert(fc.property(records, answer, (before, assignments) => {
      const first = run(before, assignments)
      const second = run(first.records, assignments)
      assert.deepEqual(second.records, first.records)
      assert.equal(second.changed, false)
    }))
  })

  it('knows its own by endpoint, by hash and by name', () => {
    const own: Made = {key: 'k1', account: me, createdAt: now, owner: null}
    const machine: Assignment = {endpoint: 'e1', accelerator: 'NONE', variant: 'CPU', shape: 'standard'}
    const cases: [Made, Assignment, boolean][] = [
      [{...own, endpoint: 'e1'}, machine, true],
      [own, {...machine, notebookHash: 'k1'}, true],
      [own, {...machine, name: 'runtimes/k1'}, true],
      [own, machine, false],
      [own, {...machine, notebookHash: 'k2'}, false],
      [own, {...machine, name: 'runtimes/cgpu-made-elsewhere'}, true],
    ]
    for (const [one, listed, ours] of cases) {
      const [found] = run({made: {k1: one}, seen: {}}, [listed]).machines
      assert.equal(found && isOurs(found), ours, JSON.stringify(listed))
    }
  })
})

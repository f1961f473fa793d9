import assert from 'node:assert/strict'
import type {Message} from '@cgpu/jupyter'
import type {CellRecorder} from '../agent/cell.ts'
import type {AgentClient, FollowOptions} from '../agent/client.ts'
import {LogRecord} from '../agent/log.ts'
import {statusOf} from '../agent/models.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {CellOutput} from './cell-output.ts'

const line = (n: number): Message => ({
  channel: 'iopub', header: {msg_id: `m${n}`, msg_type: 'stream'}, parent_header: {}, metadata: {cgpu_n: n}, content: {name: 'stdout', text: `${n}\n`}, buffers: [],
})

/** The output of a cell whose log has ten lines. */
function tenLines(): {output: CellOutput; shown: () => string} {
  let text = ''
  const agent = {
    async follow(id: string, {onRecord}: FollowOptions) {
      for (let n = 0, at = 0; n < 10; n++) {
        const payload = new TextEncoder().encode(`${n}\n`)
        await onRecord(new LogRecord('stdout', 0, payload, (at += 13 + payload.length)))
      }
      return statusOf({id, state: 'exited', exitCode: 0})
    },
  }
  // all that is used of them here
  const session = {agent: async () => agent as unknown as AgentClient} as unknown as RuntimeSession
  const output = new CellOutput(session, 'a', {} as CellRecorder, (event) => {
    if (event.type === 'stdout') text += new TextDecoder().decode(event.data)
  })
  return {output, shown: () => text}
}

describe('the output of a cell', () => {
  for (const lost of [[0], [4], [9], [0, 5], [3, 4, 5, 6]]) {
    it(`is whole and in order although the messages ${lost.join(', ')} were lost without a word`, async () => {
      const {output, shown} = tenLines()
      for (let n = 0; n < 10; n++) if (!lost.includes(n)) await output.fromSocket(line(n))
      // what is missing at the end shows in the totals, which the session compares
      if (lost.includes(9)) output.distrust('the totals differ')
      await output.salvage()
      assert.equal(shown(), Array.from({length: 10}, (_, n) => `${n}\n`).join(''))
    })
  }

  it('is the socket\'s alone where nothing was lost', async () => {
    const {output, shown} = tenLines()
    for (let n = 0; n < 3; n++) await output.fromSocket(line(n))
    assert.equal(shown(), '0\n1\n2\n')
  })
})

import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {AgentClient, RemoteFile} from '../agent/client.ts'
import {Checkpoints} from './checkpoints.ts'

describe('a checkpoint', () => {
  let folder: string
  let now: number
  let size: number
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-checkpoints-'))
    now = 0
    size = 1
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  const agent = {
    glob: async () => [{path: 'a.pt', size, mtime: 1} as RemoteFile], // what is looked at
    download: async (_: string, local: string) => writeFile(local, 'x').then(() => ({mtime: 1})),
  } as unknown as AgentClient // what is asked of it here

  it('counts when it was the same for long enough, however many looked meanwhile', async () => {
    const copies = new Checkpoints(join(folder, 'copies'), {now: () => now})
    const at = async (ms: number): Promise<number> => {
      now = ms
      return copies.pull(agent, {pattern: '*', cwd: '/w'})
    }
    assert.deepEqual([await at(0), await at(500), await at(1_500)], [0, 0, 0])
    size = 2
    assert.deepEqual([await at(5_000), await at(9_900), existsSync(join(folder, 'copies', 'a.pt'))], [0, 0, false])
    assert.deepEqual([await at(10_000), await at(20_000), existsSync(join(folder, 'copies', 'a.pt'))], [1, 0, true])
  })
})

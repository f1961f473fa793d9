import assert from 'node:assert/strict'
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {RecordStore} from '@cgpu/core/runtime/store'
import {build} from 'esbuild'
import {until} from '../helpers/workbench.ts'

const record: RuntimeRecord = {
  version: 1, id: 'local-1', name: 'calm-otter', provider: 'local', providerId: '1', origin: 'created', ephemeral: false,
  requested: {kind: 'cpu'}, accelerator: {id: 'cpu', kind: 'cpu', name: 'CPU', available: true},
  endpointUrl: 'http://127.0.0.1:1/', createdAt: '2026-01-01T00:00:00Z', kernels: {},
}

describe('runtime records', function () {
  this.timeout(60_000)
  let folder: string
  let writing: string
  let state: string
  let warnings: string[]
  const ids = ['local-1', 'local-2']
  const store = (): RecordStore => new RecordStore(state, (message) => warnings.push(message))

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-records-'))
    writing = join(folder, 'update-child.mjs')
    // one file without types: two hundred of them start in a fourth of the time
    const source = fileURLToPath(new URL('../helpers/update-child.ts', import.meta.url))
    await build({entryPoints: [source], outfile: writing, bundle: true, platform: 'node', format: 'esm', conditions: ['cgpu-source']})
  })
  beforeEach(async () => {
    state = await mkdtemp(join(folder, 'state-'))
    warnings = []
    for (const id of ids) await store().put({...record, id})
  })
  after(() => rm(folder, {recursive: true, force: true}))

  /** A process that changes this record for ever; it has begun. */
  async function writer(id: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [writing, state, id], {stdio: ['ignore', 'pipe', 'inherit']})
    await once(child.stdout, 'data')
    return child
  }

  // four times fifty, so that none takes long on a busy machine
  for (const quarter of [1, 2, 3, 4]) {
    it(`row 19: kill -9 in the middle of state writes, ${quarter * 50 - 49} to ${quarter * 50} of 200: none is corrupt, none is stuck`, async () => {
      let kills = 0
      const killer = async (id: string): Promise<void> => {
        while (kills++ < 50) {
          const child = await writer(id)
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 25)) // the moment is what varies
          child.kill('SIGKILL')
          await once(child, 'close')
          assert.equal((await store().get(id))?.name, record.name)
        }
      }
      await Promise.all(ids.map(killer))
      // on a busy machine they may all have been killed before they wrote
      await Promise.all(ids.map(async (id) => {
        const child = await writer(id)
        await until(async () => Object.keys((await store().get(id))?.kernels ?? {}).length > 5, () => 'a writer does not get on')
        child.kill('SIGKILL')
        await once(child, 'close')
      }))
      assert.deepEqual(warnings, [])
      const files = await readdir(join(state, 'runtimes'))
      assert.ok(files.length < 100, `leftovers pile up: ${files.length}`)
      for (const id of ids) {
        const renamed = await store().update(id, (old) => ({...old, name: 'trainer'}))
        assert.equal(renamed.name, 'trainer')
        assert.ok(Object.keys(renamed.kernels).length > 5, 'the writers wrote')
      }
    })
  }
})

import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {RecordStore} from '@cgpu/core/runtime/store'

const child = fileURLToPath(new URL('../helpers/update-child.ts', import.meta.url))
const record: RuntimeRecord = {
  version: 1, id: 'local-1', name: 'calm-otter', provider: 'local', providerId: '1', origin: 'created', ephemeral: false,
  requested: {kind: 'cpu'}, accelerator: {id: 'cpu', kind: 'cpu', name: 'CPU', available: true},
  endpointUrl: 'http://127.0.0.1:1/', createdAt: '2026-01-01T00:00:00Z', kernels: {},
}

describe('runtime records', function () {
  this.timeout(180_000) // 200 processes: 10 s on two idle cores

  it('row 19: kill -9 in the middle of state writes, 200 times: none is corrupt, none is stuck', async () => {
    const state = await mkdtemp(join(tmpdir(), 'cgpu-records-'))
    const warnings: string[] = []
    const store = new RecordStore(state, (message) => warnings.push(message))
    try {
      const ids = ['local-1', 'local-2']
      for (const id of ids) await store.put({...record, id})
      let kills = 0
      const killer = async (id: string): Promise<void> => {
        while (kills++ < 200) {
          const writer = spawn(process.execPath, ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', child, state, id], {
            stdio: ['ignore', 'pipe', 'inherit'], env: {...process.env, NODE_COMPILE_CACHE: join(state, 'cache')}, // they start in a fifth of the time
          })
          await once(writer.stdout, 'data')
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 25)) // the moment is what varies
          writer.kill('SIGKILL')
          await once(writer, 'close')
          assert.equal((await store.get(id))?.name, record.name)
        }
      }
      await Promise.all(ids.map(killer))
      assert.deepEqual(warnings, [])
      const files = await readdir(join(state, 'runtimes'))
      assert.ok(files.length < 250, `leftovers pile up: ${files.length}`)
      for (const id of ids) {
        const renamed = await store.update(id, (old) => ({...old, name: 'trainer'}))
        assert.equal(renamed.name, 'trainer')
        assert.ok(Object.keys(renamed.kernels).length > 5, 'the writers wrote')
      }
    } finally {
      await rm(state, {recursive: true, force: true})
    }
  })
})

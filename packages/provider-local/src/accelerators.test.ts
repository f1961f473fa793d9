import assert from 'node:assert/strict'
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {CgpuError} from '@cgpu/core/errors'
import {chooseAccelerator, isModel, localAccelerators, modelId, parseNvidia} from './accelerators.ts'

describe('accelerators of this machine', () => {
  const folders: string[] = []
  after(() => folders.forEach((folder) => rmSync(folder, {recursive: true})))

  /** A PATH on which nvidia-smi does this: the GPUs of a machine that the tests do not have. */
  function withNvidia(script: string | undefined): NodeJS.ProcessEnv {
    const folder = mkdtempSync(join(tmpdir(), 'cgpu-smi-'))
    folders.push(folder)
    if (script !== undefined) {
      writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`)
      chmodSync(join(folder, 'nvidia-smi'), 0o755)
    }
    return {PATH: folder}
  }
  const two = 'echo "GPU-1, Tesla T4, 15360"; echo "GPU-2, NVIDIA L40S, 46068"; echo "GPU-3, Tesla T4, 15360"'

  const ids: [string, string][] = [
    ['NVIDIA H100 80GB HBM3', 'h100'], ['Tesla T4', 't4'], ['NVIDIA A100-SXM4-40GB', 'a100'], ['NVIDIA L4', 'l4'],
    ['NVIDIA GeForce RTX 4090', 'rtx-4090'], ['Tesla V100-SXM2-16GB', 'v100'], ['NVIDIA H200', 'h200'], ['NVIDIA', 'gpu'],
  ]
  for (const [name, id] of ids) it(`calls ${name} ${id}`, () => assert.equal(modelId(name), id))

  const matches: [string, string, boolean][] = [
    ['l4', 'NVIDIA L40S', false], ['l40s', 'NVIDIA L40S', true], ['a10', 'NVIDIA A100-SXM4-40GB', false], ['T4', 'Tesla T4', true],
    ['rtx4090', 'NVIDIA GeForce RTX 4090', true], ['rtx-4090', 'NVIDIA GeForce RTX 4090', true], ['t4', 'NVIDIA GeForce RTX 4090', false],
  ]
  for (const [wanted, name, yes] of matches) it(`${wanted} is ${yes ? '' : 'not '}${name}`, () => assert.equal(isModel(wanted, name), yes))

  it('reads memory as bytes and passes over lines that say nothing', () => {
    assert.deepEqual(parseNvidia('GPU-1, Tesla T4, 15360\n\nNo devices\n'), [{uuid: 'GPU-1', name: 'Tesla T4', memoryBytes: 15360 * 1024 * 1024}])
  })

  it('lists the processor and each kind of GPU once', async () => {
    const list = await localAccelerators(withNvidia(two))
    assert.deepEqual(list.map(({id, kind}) => [id, kind]), [['cpu', 'cpu'], ['t4', 'gpu'], ['l40s', 'gpu']])
  })

  it('lists the processor alone where there is no nvidia-smi', async () => {
    assert.deepEqual((await localAccelerators(withNvidia(undefined))).map(({id}) => id), ['cpu'])
  })

  it('says why a GPU cannot be had when nvidia-smi fails', async () => {
    const list = await localAccelerators(withNvidia('echo "NVIDIA-SMI has failed"; exit 9'))
    assert.equal(list[1]?.available, false)
    assert.match(list[1]?.reason ?? '', /NVIDIA-SMI has failed/)
  })

  it('shows kernels only the GPUs that were asked for', async () => {
    const env = withNvidia(two)
    assert.equal((await chooseAccelerator({kind: 'gpu', model: 't4'}, env)).visibleDevices, 'GPU-1,GPU-3')
    assert.equal((await chooseAccelerator({kind: 'gpu'}, env)).visibleDevices, undefined)
    assert.equal((await chooseAccelerator({kind: 'cpu'}, env)).accelerator.kind, 'cpu')
  })

  const refused: [string, Parameters<typeof chooseAccelerator>[0], string | undefined, RegExp][] = [
    ['a GPU without any', {kind: 'gpu'}, undefined, /no GPU; it has a CPU only/],
    ['another GPU', {kind: 'gpu', model: 'h100'}, two, /no GPU h100; it has Tesla T4, NVIDIA L40S/],
    ['a TPU', {kind: 'tpu', model: 'v5e'}, two, /no TPU v5e; it has a CPU only/],
    ['a GPU whose driver fails', {kind: 'gpu'}, 'echo broken; exit 1', /no GPU \(nvidia-smi: broken\)/],
  ]
  for (const [what, wish, script, message] of refused) {
    it(`refuses ${what}, saying what there is`, async () => {
      await assert.rejects(chooseAccelerator(wish, withNvidia(script)), (error: unknown) => {
        assert.ok(error instanceof CgpuError)
        assert.equal(error.code, 'ACCELERATOR_UNAVAILABLE')
        assert.deepEqual([error.category, error.exit], ['capacity', 68])
        assert.match(error.message, message)
        assert.ok(error.fix)
        return true
      })
    })
  }
})

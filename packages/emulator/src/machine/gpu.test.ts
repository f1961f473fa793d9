import assert from 'node:assert/strict'
import {ask, machineBed, type MachineBed, runCode, shell} from '../../../../test/helpers/machine-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import type {Machine} from '../contract.ts'

interface Resources {
  memory: {totalBytes: number; freeBytes: number; kernels: {uuid: string; usedBytes: number}[]}
  disks: {filesystem: {label: string; totalBytes: number; usedBytes: number}}[]
  gpus: {name: string; memoryUsedBytes: number; memoryTotalBytes: number; gpuUtilization: number; memoryUtilization: number; everUsed: boolean}[]
}

async function resources(machine: Machine): Promise<Resources> {
  const text = await (await ask(machine, '/api/colab/resources')).text()
  assert.ok(text.startsWith(')]}\'\n'), text)
  return JSON.parse(text.slice(5)) as Resources
}

describe('what an emulated machine shows of itself', () => {
  let bed: MachineBed
  let gpu: Machine
  const mib = 2 ** 20
  const query = (fields: string, format = 'csv,noheader,nounits'): Promise<string> => shell(gpu, `nvidia-smi --query-gpu=${fields} --format=${format}`)

  before(async () => {
    bed = await machineBed()
    gpu = await bed.start('gpu-t4', {variant: 'GPU', accelerator: 'T4'})
  })
  after(() => bed?.close())

  it('is its memory, its disk and its GPU, idle at first', async () => {
    const {memory, disks, gpus} = await resources(gpu)
    assert.equal(memory.totalBytes, Math.round(12.7 * 2 ** 30))
    assert.ok(memory.freeBytes > 0 && memory.freeBytes < memory.totalBytes)
    assert.deepEqual(disks.map(({filesystem}) => [filesystem.label, filesystem.usedBytes < filesystem.totalBytes]), [['kernel', true]])
    assert.deepEqual(gpus, [{name: 'Tesla T4', memoryUsedBytes: 0, memoryTotalBytes: 15_360 * mib, gpuUtilization: 0, memoryUtilization: 0, everUsed: false}])
  })

  it('is also what nvidia-smi says', async () => {
    assert.match(await shell(gpu, 'nvidia-smi -L'), /^GPU 0: Tesla T4 \(UUID: GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\)$/)
    assert.equal(await query('name,memory.total'), 'Tesla T4, 15360')
    assert.equal(await query('gpu_name,memory.total,fan.speed', 'csv'), 'gpu_name, memory.total [MiB], fan.speed\nTesla T4, 15360 MiB, [N/A]')
    const table = await shell(gpu, 'nvidia-smi')
    assert.match(table, /NVIDIA-SMI 550\.54\.15 +Driver Version: 550\.54\.15 +CUDA Version: 12\.4/)
    assert.match(table, /\| +0 +Tesla T4 +Off \| +00000000:00:04\.0 +Off \|/)
    assert.match(table, /0MiB \/ +15360MiB \| +0% +Default/)
    assert.equal(new Set(table.split('\n').slice(1).filter((line) => line !== '').map((line) => line.length)).size, 1)
    assert.match(await shell(gpu, 'nvidia-smi -q'), /Product Name +: Tesla T4[^]*Total +: 15360 MiB/)
    assert.equal(await shell(gpu, 'timeout 20 nvidia-smi --query-gpu=index --format=csv --loop-ms=200 2>/dev/null | head -n 3'), 'index\n0\n0')
  })

  it('refuses what nvidia-smi refuses', async () => {
    assert.equal(await shell(gpu, 'nvidia-smi --nonsense; echo $?'), 'Invalid combination of input arguments. Please run \'nvidia-smi -h\' for help.\n2')
    assert.match(await query('name,nonsense'), /^Field "nonsense" is not a valid field to query\./)
    assert.equal(await shell(gpu, 'nvidia-smi -i 5; echo $?'), 'No devices were found\n6')
  })

  it('follows what its programs compute', async () => {
    const working = runCode(gpu, 'import os\nwhile not os.path.exists("/tmp/enough"): sum(range(10000))', {kernelName: 'colab'})
    await until(async () => {
      const [first] = (await resources(gpu)).gpus
      return first !== undefined && first.gpuUtilization > 0.2 && first.everUsed && first.memoryUsedBytes > 100 * mib
    }, () => 'the GPU stays idle')
    const [pid, used] = (await shell(gpu, 'nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits')).split(', ')
    assert.ok(Number(pid) > 1 && Number(used) > 100)
    const {memory} = await resources(gpu)
    assert.ok(memory.kernels.length === 2 && memory.kernels.every(({uuid, usedBytes}) => uuid !== '' && usedBytes > mib), JSON.stringify(memory))
    await shell(gpu, 'touch /tmp/enough')
    await working
  })

  it('is no GPU on a machine without one', async () => {
    const cpu = await bed.start('cpu-plain', {highMem: true})
    const {memory, gpus} = await resources(cpu)
    assert.deepEqual([memory.totalBytes, gpus], [51 * 2 ** 30, []])
    assert.match(await shell(cpu, 'nvidia-smi'), /not found/)
    assert.equal(await (await ask(cpu, '/api/colab/build-info')).text(), ')]}\'\n{"release_tag": "release-colab-external-images_2026.09"}')
    assert.equal(await (await ask(cpu, '/api/colab/drive')).text(), ')]}\'\n{"dfs": []}')
    await cpu.stop()
  })

  it('is a TPU by its environment', async () => {
    const tpu = await bed.start('tpu-a', {variant: 'TPU', accelerator: 'V5E1'})
    assert.equal(await shell(tpu, 'echo $TPU_ACCELERATOR_TYPE $PJRT_DEVICE'), 'v5litepod-1 TPU')
    await tpu.stop()
  })
})

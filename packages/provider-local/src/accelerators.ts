import {execFile} from 'node:child_process'
import {cpus, totalmem} from 'node:os'
import {errors} from '@cgpu/core/errors'
import type {Accelerator, RuntimeSpec} from '@cgpu/core/provider'

/** One physical GPU as nvidia-smi lists it. */
export interface Gpu {
  uuid: string
  name: string
  memoryBytes: number
}

type Seen = {gpus: Gpu[]} | {problem: string}

/** The processor, then each kind of GPU once. */
export async function localAccelerators(env: NodeJS.ProcessEnv): Promise<Accelerator[]> {
  const seen = await askNvidia(env)
  if ('problem' in seen) {
    return [cpu(), {id: 'nvidia', kind: 'gpu', name: 'NVIDIA GPU', available: false, reason: seen.problem}]
  }
  const kinds = new Map(seen.gpus.map((gpu) => [gpu.name, asAccelerator(gpu)]))
  return [cpu(), ...kinds.values()]
}

export function cpu(): Accelerator {
  return {id: 'cpu', kind: 'cpu', name: cpus()[0]?.model.trim() || 'CPU', memoryBytes: totalmem(), available: true}
}

export interface Chosen {
  accelerator: Accelerator
  /** set when kernels are to see some of the machine's GPUs only: CUDA_VISIBLE_DEVICES */
  visibleDevices?: string
}

/** The accelerator that serves the wish. Throws ACCELERATOR_UNAVAILABLE (68), listing what there is. */
export async function chooseAccelerator(wish: RuntimeSpec['accelerator'], env: NodeJS.ProcessEnv): Promise<Chosen> {
  if (wish.kind === 'cpu') return {accelerator: cpu()}
  const seen = wish.kind === 'gpu' ? await askNvidia(env) : {gpus: []}
  const gpus = 'gpus' in seen ? seen.gpus : []
  const fitting = gpus.filter((gpu) => wish.model === undefined || isModel(wish.model, gpu.name))
  const [first] = fitting
  if (first) {
    return {
      accelerator: asAccelerator(first),
      ...(fitting.length < gpus.length ? {visibleDevices: fitting.map((gpu) => gpu.uuid).join(',')} : {}),
    }
  }
  throw refusal(wish, gpus, 'problem' in seen ? seen.problem : undefined)
}

function refusal(wish: {kind: 'gpu' | 'tpu'; model?: string}, gpus: Gpu[], problem: string | undefined): Error {
  const wanted = wish.model === undefined ? `a ${wish.kind.toUpperCase()}` : `${wish.kind.toUpperCase()} ${wish.model}`
  const there = [...new Set(gpus.map((gpu) => gpu.name))]
  const why = problem === undefined ? '' : ` (${problem})`
  return errors.quota(`this machine has no ${wanted.replace(/^a /, '')}${why}; it has ${there.length > 0 ? there.join(', ') : 'a CPU only'}`, {
    code: 'ACCELERATOR_UNAVAILABLE', category: 'capacity',
    fix: there.length > 0 ? `--gpu ${modelId(there[0] ?? '')}, or leave the flag out` : 'leave the accelerator flag out, or use another provider, such as: --provider colab',
    details: {available: ['cpu', ...there.map(modelId)]},
  })
}

function asAccelerator(gpu: Gpu): Accelerator {
  return {id: modelId(gpu.name), kind: 'gpu', name: gpu.name, memoryBytes: gpu.memoryBytes, available: true}
}

/** "NVIDIA H100 80GB HBM3" is h100, "Tesla T4" is t4, "NVIDIA GeForce RTX 4090" is rtx-4090. */
export function modelId(name: string): string {
  const words = name
    .toLowerCase()
    .replaceAll(/\b(nvidia|tesla|geforce|quadro|graphics|pcie|sxm\d?|hbm\w*|nvl|\d+gb)\b/g, ' ')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  return words.join('-') || 'gpu'
}

/** Whole words only: l4 is not an L40S, a10 is not an A100. `rtx-4090` and `rtx4090` are the same. */
export function isModel(wanted: string, name: string): boolean {
  const plain = wanted.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const words = name.toLowerCase().split(/[^a-z0-9]+/)
  return words.some((_, from) => words.some((__, to) => to >= from && words.slice(from, to + 1).join('') === plain))
}

function askNvidia(env: NodeJS.ProcessEnv): Promise<Seen> {
  return new Promise((resolve) => {
    const query = ['--query-gpu=uuid,name,memory.total', '--format=csv,noheader,nounits']
    execFile('nvidia-smi', query, {env, timeout: 10_000, windowsHide: true}, (error, stdout) => {
      if (!error) return resolve({gpus: parseNvidia(stdout)})
      // no such program: no GPU of theirs, which is nothing to complain about
      if (error.code === 'ENOENT') return resolve({gpus: []})
      resolve({problem: `nvidia-smi: ${(stdout.trim().split('\n')[0] || error.message.split('\n')[0]) ?? 'failed'}`})
    })
  })
}

/** Lines of `GPU-…, NVIDIA H100 80GB HBM3, 81559` (MiB). */
export function parseNvidia(text: string): Gpu[] {
  const gpus: Gpu[] = []
  for (const line of text.split('\n')) {
    const [uuid, name, memory] = line.split(',').map((part) => part.trim())
    const mib = Number(memory)
    if (uuid && name) gpus.push({uuid, name, memoryBytes: Number.isFinite(mib) ? mib * 1024 * 1024 : 0})
  }
  return gpus
}

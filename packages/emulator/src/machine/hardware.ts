import type {MachineSpec} from '../contract.ts'

/** A GPU as `nvidia-smi` and `/api/colab/resources` show it. */
export interface GpuModel {
  name: string
  memoryMiB: number
  powerLimitW: number
  computeCapability: string
}

/** Figures of NVIDIA's data sheets and of `nvidia-smi` on the cards. */
const gpus: Record<string, GpuModel> = {
  T4: {name: 'Tesla T4', memoryMiB: 15_360, powerLimitW: 70, computeCapability: '7.5'},
  L4: {name: 'NVIDIA L4', memoryMiB: 23_034, powerLimitW: 72, computeCapability: '8.9'},
  P100: {name: 'Tesla P100-PCIE-16GB', memoryMiB: 16_384, powerLimitW: 250, computeCapability: '6.0'},
  V100: {name: 'Tesla V100-SXM2-16GB', memoryMiB: 16_384, powerLimitW: 300, computeCapability: '7.0'},
  A100: {name: 'NVIDIA A100-SXM4-40GB', memoryMiB: 40_960, powerLimitW: 400, computeCapability: '8.0'},
  H100: {name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81_559, powerLimitW: 700, computeCapability: '9.0'},
  G4: {name: 'NVIDIA RTX PRO 6000 Blackwell Server Edition', memoryMiB: 97_887, powerLimitW: 600, computeCapability: '12.0'},
}

/** As Cloud TPU machines name them: accelerator type and chips. */
const tpus: Record<string, {type: string; chips: number}> = {
  V28: {type: 'v2-8', chips: 4},
  V5E1: {type: 'v5litepod-1', chips: 1},
  V6E1: {type: 'v6e-1', chips: 1},
}

/** The GPU of such a machine; a model that nobody knows gets T4's figures under its own name. */
export function gpuOf(spec: MachineSpec): GpuModel | undefined {
  if (spec.variant !== 'GPU') return undefined
  const known = gpus[spec.accelerator.toUpperCase()]
  return known ?? {name: `NVIDIA ${spec.accelerator}`, memoryMiB: 15_360, powerLimitW: 70, computeCapability: '7.5'}
}

/** What programs look for to find a TPU. */
export function tpuEnv(spec: MachineSpec): Record<string, string> {
  if (spec.variant !== 'TPU') return {}
  const {type, chips} = tpus[spec.accelerator.toUpperCase()] ?? {type: spec.accelerator.toLowerCase(), chips: 1}
  return {
    TPU_ACCELERATOR_TYPE: type, TPU_CHIPS_PER_HOST_BOUNDS: `1,${chips},1`, TPU_HOST_BOUNDS: '1,1,1', TPU_SKIP_MDS_QUERY: '1',
    TPU_WORKER_HOSTNAMES: 'localhost', TPU_WORKER_ID: '0', PJRT_DEVICE: 'TPU', COLAB_TPU_1VM: '1', CLOUD_TPU_TASK_ID: '0',
  }
}

/** Bytes of memory that Colab's machines of that kind have, which is what the resources show. */
export function memoryBytes(spec: MachineSpec): number {
  const gib = spec.variant === 'TPU' ? 47 : spec.highMem ? 51 : 12.7
  return Math.round(gib * 2 ** 30)
}

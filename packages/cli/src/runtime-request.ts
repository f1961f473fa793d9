import type {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeSpec} from '@cgpu/core/provider'
import {requestedAccelerator} from '@cgpu/core/runtime/spec'

export interface RuntimeWish {
  provider: string
  spec: Omit<RuntimeSpec, 'name'>
  /** undefined: nothing in particular was asked for */
  accelerator: RuntimeSpec['accelerator'] | undefined
}

/** The machine that flags, environment, project file and config together ask for. */
export function runtimeWish(cgpu: Cgpu): RuntimeWish {
  const {settings} = cgpu
  const accelerator = requestedAccelerator({
    gpu: settings.text('gpu'), tpu: settings.text('tpu'), cpu: settings.on('cpu') || undefined,
  })
  const image = settings.text('image')
  return {
    provider: settings.text('provider') ?? 'local',
    accelerator,
    spec: {
      accelerator: accelerator ?? {kind: 'cpu'},
      ...(settings.on('high-ram') ? {highRam: true} : {}),
      ...(image === undefined ? {} : {image}),
    },
  }
}

import type {Cgpu} from '@cgpu/core/cgpu'
import type {RuntimeSpec} from '@cgpu/core/provider'
import type {WantedProvider} from '@cgpu/core/runtime/service'
import {requestedAccelerator} from '@cgpu/core/runtime/spec'

export interface RuntimeWish {
  provider: string
  /** empty: any provider's runtime will do, `provider` is only where a new one would come from */
  wanted: WantedProvider
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
  const provider = settings.text('provider') ?? 'local'
  const source = settings.get('provider')?.source ?? 'default'
  return {
    provider,
    wanted: source === 'default' ? {} : source === 'flag' || source === 'environment' ? {asked: provider} : {set: provider},
    accelerator,
    spec: {
      accelerator: accelerator ?? {kind: 'cpu'},
      ...(settings.on('high-ram') ? {highRam: true} : {}),
      ...(image === undefined ? {} : {image}),
    },
  }
}

import type {MachineHost} from './contract.ts'
import type {MachineHostOptions} from './machine/options.ts'

/** The machines, whose code is loaded by the first of them. */
export function lazyMachines(options: MachineHostOptions): MachineHost {
  let host: Promise<MachineHost> | undefined
  let loaded: MachineHost | undefined
  const load = async (): Promise<MachineHost> => {
    const {createMachineHost} = await import('./machine/index.ts')
    return (loaded = createMachineHost(options))
  }
  return {
    get ground() {
      return loaded?.ground
    },
    start: async (spec) => (await (host ??= load())).start(spec),
    close: async () => (await host)?.close(),
  }
}

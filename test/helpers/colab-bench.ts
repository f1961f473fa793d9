import type {Emulator, EmulatorOptions} from '@cgpu/emulator'
import {parseScenario, type ScenarioInput, startEmulator} from '@cgpu/emulator'
import {testPython} from './jupyter-server.ts'
import {type Workbench, workbench} from './workbench.ts'

/** A sealed home whose runtimes come from an emulated Colab in this process. */
export interface ColabBench extends Workbench {
  emulator: Emulator
  /** endpoints of the machines that there are, of all accounts */
  machines(): string[]
  /** the environment of another account that is signed in */
  as(email: string): Record<string, string>
  /** calls of Google's hosts whose path holds this, as `METHOD path` */
  calls(path: string): string[]
}

export async function colabBench(scenario: ScenarioInput = {}, options: EmulatorOptions = {}): Promise<ColabBench> {
  const emulator = await startEmulator({python: async () => testPython, scenario: {name: 'test', scenario: parseScenario(scenario, 'test')}, ...options})
  const bench = await workbench()
  bench.onRemove(() => emulator.close())
  Object.assign(bench.home.env, emulator.env(), {CGPU_PROVIDER: 'colab'})
  return {
    ...bench,
    emulator,
    machines: () => emulator.world.fleet.list().map((one) => one.endpoint),
    as: (email) => ({CGPU_TOKEN: emulator.token(email)}),
    calls: (path) => emulator.log.query({site: 'control'}).filter((one) => one.path.includes(path)).map((one) => `${one.method} ${one.path}`),
  }
}

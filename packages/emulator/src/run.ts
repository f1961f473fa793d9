import {clear, type DaemonOptions} from './daemon.ts'
import {type Emulator, startEmulator} from './emulator.ts'
import {loadScenario} from './scenario/load.ts'

/** Starts an emulator that is this process's whole purpose: it ends in order on SIGINT, SIGTERM and SIGHUP. */
export async function runEmulator({folder, port, seed, scenario, record, replay}: DaemonOptions): Promise<Emulator> {
  await clear(folder)
  const emulator = await startEmulator({
    folder,
    ...(port === undefined ? {} : {port}),
    ...(seed === undefined ? {} : {seed}),
    ...(scenario === undefined ? {} : {scenario: await loadScenario(scenario)}),
    ...(record === undefined ? {} : {record}),
    ...(replay === undefined ? {} : {replay}),
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void emulator.close())
  return emulator
}

import {isAlive, processStartTime} from '@cgpu/core/state/process'
import {clear, type DaemonOptions} from './daemon.ts'
import {type Emulator, startEmulator} from './emulator.ts'
import {loadScenario} from './scenario/load.ts'

const ownerCheckMs = 500

/** Starts an emulator that is this process's whole purpose: it ends in order on SIGINT, SIGTERM and SIGHUP, and after its owner. */
export async function runEmulator({folder, port, seed, scenario, record, replay, ownerPid}: DaemonOptions): Promise<Emulator> {
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
  if (ownerPid !== undefined) await followOwner(ownerPid, () => void emulator.close())
  return emulator
}

/** A process that is gone already is no owner to outlive. */
async function followOwner(pid: number, end: () => void): Promise<void> {
  const startTime = await processStartTime(pid)
  const timer = setInterval(() => {
    void isAlive(pid, startTime).then((alive) => {
      if (alive) return
      clearInterval(timer)
      end()
    })
  }, ownerCheckMs)
  timer.unref()
}

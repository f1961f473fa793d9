import {CgpuError} from '@cgpu/core/errors'
import {ensureDir} from '@cgpu/core/state/dirs'
import {withLock} from '@cgpu/core/state/lock'
import {isAlive} from '@cgpu/core/state/process'
import {askDaemon, connectDaemon, patienceMs} from './connect.ts'
import {Daemon, type DaemonOptions} from './daemon.ts'
import {endHung} from './hung.ts'
import {daemonPlace, readDaemonRecord} from './place.ts'

/** how long one that was asked to make room may take */
const handOverMs = 5_000
/** of two that start at once the second has nothing to wait for but the lock of a dead one */
const startMs = 200

/**
 * Runs the daemon of this state folder in this process until it has nothing to do. Returns at once where one of the same build runs;
 * one of another build is asked to retire, and its running work goes on there. One that does not answer is ended.
 */
export async function runDaemon(options: DaemonOptions): Promise<'ran' | 'another runs'> {
  const {dirs, build, log} = options
  const {folder, lock} = daemonPlace(dirs.state)
  await ensureDir(folder)
  const before = readDaemonRecord(dirs.state)
  let timeoutMs = startMs
  if (typeof before !== 'string' && (await isAlive(before.pid, before.startTime))) {
    if (!(await makeRoom(dirs.state, build, log.write))) return 'another runs'
    timeoutMs = handOverMs
  }
  let daemon: Daemon | undefined
  try {
    await withLock(lock, async () => {
      daemon = await Daemon.start(options)
      const {stop} = handleSignals(daemon)
      void daemon.over.then(stop)
      await daemon.listening
    }, {timeoutMs})
  } catch (error) {
    if (error instanceof CgpuError && error.code === 'LOCK_TIMEOUT') return 'another runs'
    throw error
  }
  await daemon?.over
  return 'ran'
}

function handleSignals(daemon: Daemon): {stop: () => void} {
  const end = (signal: NodeJS.Signals): void => void daemon.stop(signal)
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, end)
  return {stop: () => void process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', end)}
}

/** False: one of this build answers, or one that does not cannot be ended. */
async function makeRoom(state: string, build: string, log: (line: string) => void): Promise<boolean> {
  const greeted = await connectDaemon({state, limitMs: patienceMs})
  if ('wire' in greeted) {
    if (greeted.record.build === build) {
      greeted.wire.destroy()
      return false
    }
    const answer = await askDaemon(greeted.wire, {t: 'retire'})
    greeted.wire.destroy()
    if (answer?.t === 'retiring') return true
  }
  if (!greeted.record || !(await isAlive(greeted.record.pid, greeted.record.startTime))) return true
  log(`process ${greeted.record.pid} does not answer and is told to end`)
  return endHung(state, greeted.record)
}

import {readdir, readFile} from 'node:fs/promises'
import {isAlive} from '@cgpu/core/state/process'
import type {ProcessRef} from './records.ts'

export function alive(one: ProcessRef | null | undefined): Promise<boolean> {
  return one ? isAlive(one.pid, one.startTime) : Promise.resolve(false)
}

/** Sends a signal; a process that is gone (or not ours) is passed over. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}

/**
 * Pids of all processes that carry `mark` (`NAME=value`) in their environment, this one left out: whatever a runtime
 * started, however detached. Linux: /proc; macOS: `ps -E`; Windows has no such view and yields none.
 */
export async function markedProcesses(mark: string): Promise<number[]> {
  if (process.platform === 'linux') return markedInProc(mark)
  if (process.platform === 'win32') return []
  return markedByPs(mark)
}

async function markedInProc(mark: string): Promise<number[]> {
  const needle = Buffer.from(`\0${mark}\0`)
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    // unreadable: another user's, a kernel thread, or gone by now
    const environ = await readFile(`/proc/${pid}/environ`).catch(() => undefined)
    if (environ === undefined || environ.length < mark.length) continue
    if (Buffer.concat([Buffer.of(0), environ, Buffer.of(0)]).includes(needle)) found.push(pid)
  }
  return found
}

async function markedByPs(mark: string): Promise<number[]> {
  const [{execFile}, {promisify}] = await Promise.all([import('node:child_process'), import('node:util')])
  const {stdout} = await promisify(execFile)('ps', ['-axwwE', '-o', 'pid=,command='], {maxBuffer: 64 * 1024 * 1024}).catch(() => ({stdout: ''}))
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+) (.*)$/.exec(line))
    .filter((match) => match?.[2]?.split(' ').includes(mark))
    .map((match) => Number(match?.[1]))
    .filter((pid) => pid !== process.pid)
}

import {execFileSync} from 'node:child_process'
import {readdirSync, readFileSync} from 'node:fs'

/** Pids of processes that have the text in their command line or environment, this one left out. */
export function processesOf(text: string): number[] {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-axwwE', '-o', 'pid=,command='], {encoding: 'utf8', maxBuffer: 64 * 1024 * 1024})
      .split('\n').filter((line) => line.includes(text)).map((line) => Number.parseInt(line, 10)).filter((pid) => pid !== process.pid)
  }
  return readdirSync('/proc').map(Number).filter((pid) => {
    if (!Number.isInteger(pid) || pid === process.pid) return false
    try {
      return ['cmdline', 'environ'].some((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1').includes(text))
    } catch {
      return false
    }
  })
}

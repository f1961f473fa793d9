import type {ChildProcess} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {type CliOptions, startCgpu} from './cli.ts'

/** A process that is watched while it runs: conditions on what it printed, its end, its memory. */
export class Watched {
  readonly child: ChildProcess
  readonly exit: Promise<{status: number | null; signal: NodeJS.Signals | null}>
  /** the most it had resident, in bytes; Linux only, else 0 */
  peakBytes = 0
  readonly #chunks = {stdout: [] as Buffer[], stderr: [] as Buffer[]}
  readonly #waiting = new Set<() => void>()
  #ended = false

  constructor(child: ChildProcess) {
    this.child = child
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => {
        this.#chunks[name].push(chunk)
        this.#measure()
        for (const check of this.#waiting) check()
      })
    }
    child.stdin?.on('error', () => {}) // a command that reads nothing closes it
    this.exit = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        this.#ended = true
        for (const check of this.#waiting) check()
        resolve({status, signal})
      })
    })
  }

  /** The built CLI; its stdin is at its end unless `stdin` keeps it open. */
  static cgpu(args: readonly string[], options: CliOptions & {stdin?: boolean}): Watched {
    const watched = new Watched(startCgpu(args, options))
    if (!options.stdin) watched.child.stdin?.end(options.input)
    return watched
  }

  bytes(stream: 'stdout' | 'stderr' = 'stdout'): Buffer {
    return Buffer.concat(this.#chunks[stream])
  }

  get stdout(): string {
    return this.bytes('stdout').toString('utf8')
  }

  get stderr(): string {
    return this.bytes('stderr').toString('utf8')
  }

  get numbers(): number[] {
    return this.stdout.split('\n').filter((line) => /^\d+$/.test(line)).map(Number)
  }

  /** Resolves once what was printed matches; rejects when the process ends without that. */
  shows(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = pattern.test(this[stream])
        if (!found && !this.#ended) return
        this.#waiting.delete(check)
        if (found) resolve()
        else reject(new Error(`it ended without showing ${String(pattern)}\nstdout: ${this.stdout.slice(-2000)}\nstderr: ${this.stderr.slice(-2000)}`))
      }
      this.#waiting.add(check)
      check()
    })
  }

  #measure(): void {
    try {
      const status = readFileSync(`/proc/${this.child.pid ?? 0}/status`, 'utf8')
      this.peakBytes = Math.max(this.peakBytes, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024)
    } catch {
      // no /proc here, or it has just ended
    }
  }
}

import {spawn} from 'node:child_process'
import {createInterface} from 'node:readline'

export interface ToolResult {
  /** null: killed by a signal, or it could not be started */
  status: number | null
  /** the last lines of its output, stdout and stderr together */
  lines: string[]
}

export interface ToolOptions {
  env: NodeJS.ProcessEnv
  signal?: AbortSignal | undefined
  onLine?: (line: string) => void
}

const keptLines = 60
const windows = process.platform === 'win32'

/** Runs a program to its end, line by line. On abort the program and its children are killed and the reason is thrown. */
export async function runLines(file: string, args: string[], {env, signal, onLine}: ToolOptions): Promise<ToolResult> {
  signal?.throwIfAborted()
  const lines: string[] = []
  // a group of its own, so that pip's children go with it
  const child = spawn(file, args, {env, stdio: ['ignore', 'pipe', 'pipe'], detached: !windows, windowsHide: true})
  const kill = (): void => {
    if (child.pid === undefined) return
    try {
      if (windows) child.kill()
      else process.kill(-child.pid, 'SIGKILL')
    } catch {
      // gone already
    }
  }
  signal?.addEventListener('abort', kill, {once: true})
  // a command that ends for any reason takes its installer with it
  process.once('exit', kill)
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({input: stream}).on('line', (line) => {
      lines.push(line)
      if (lines.length > keptLines) lines.shift()
      onLine?.(line)
    })
  }
  try {
    const status = await new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        lines.push(error.message)
        resolve(null)
      })
      child.once('close', resolve)
    })
    signal?.throwIfAborted()
    return {status, lines}
  } finally {
    signal?.removeEventListener('abort', kill)
    process.removeListener('exit', kill)
  }
}

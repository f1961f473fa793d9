import {spawn} from 'node:child_process'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'

const maxBytes = 4 * 1024 * 1024
/** Of the environment: enough to find the program and its settings, no secret. */
const passed = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TEMP', 'USERPROFILE', 'SYSTEMROOT']

export interface ProgramRequest {
  program: string
  args: readonly string[]
  input?: string | undefined
}

/** Runs a program that was granted, without a shell. What it prints beyond the limit ends it. */
export async function runProgram({program, args, input}: ProgramRequest, {cwd, env}: {cwd: string; env: NodeJS.ProcessEnv}): Promise<{exitStatus: number; stdout: string; stderr: string}> {
  const own = Object.fromEntries(passed.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])))
  const child = spawn(program, args, {cwd, env: own, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true})
  const chunks: Record<'stdout' | 'stderr', Buffer[]> = {stdout: [], stderr: []}
  let bytes = 0
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) child.kill('SIGKILL')
      else chunks[stream].push(chunk)
    })
  }
  child.stdin.on('error', () => {}) // it reads nothing
  child.stdin.end(input)
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  const {promise, resolve, reject} = Promise.withResolvers<number>()
  child.once('error', error => reject(errors.notFound(`${sanitizeLine(program, 100)} cannot be run: ${sanitizeLine(error.message, 200)}`, {code: 'PROGRAM_NOT_FOUND', category: 'file', cause: error})))
  child.once('close', (status, signal) => resolve(signal === null ? (status ?? 1) : 128))
  try {
    const exitStatus = await promise
    return {exitStatus, stdout: Buffer.concat(chunks.stdout).toString('utf8'), stderr: Buffer.concat(chunks.stderr).toString('utf8')}
  } finally {
    process.off('exit', end)
  }
}

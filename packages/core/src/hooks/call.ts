import {spawn} from 'node:child_process'
import {parseJson} from '../state/json.ts'
import {sanitizeLine} from '../text/line.ts'
import type {DeclaredHook} from './declared.ts'

export interface CallOptions {
  /** folder of the project file */
  cwd: string
  env: NodeJS.ProcessEnv
}

/** an answer is small */
const maxBytes = 64 * 1024
/** the exit status by which a program says no */
const vetoStatus = 75

/**
 * Calls one hook with the event as JSON, and gives what it answers: parsed JSON, undefined where it says nothing, `{veto}` where it
 * ends with status 75. Throws an Error that says what went wrong.
 */
export function callHook(hook: DeclaredHook, event: object, options: CallOptions): Promise<unknown> {
  return 'run' in hook ? callProgram(hook, event, options) : callAddress(hook, event, options)
}

async function callProgram({run, event: name, timeoutMs}: DeclaredHook & {run: string | string[]}, event: object, {cwd, env}: CallOptions): Promise<unknown> {
  const [program = '', ...args] = typeof run === 'string' ? [run] : run
  const child = spawn(program, args, {
    cwd, shell: typeof run === 'string', stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true, detached: process.platform !== 'win32',
    // a hook that uses cgpu is not asked about itself
    env: {...env, CGPU_HOOK: name, CGPU_PROJECT_HOOKS: 'off'},
  })
  let failure: Error | undefined
  const stop = (why: string): void => {
    failure ??= new Error(why)
    try {
      // what it started ends too
      if (child.pid !== undefined) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
    } catch {
      // it is over
    }
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const text = {stdout: '', stderr: ''}
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
      if (text[stream].length > maxBytes) stop(`printed more than ${maxBytes} bytes`)
    })
  }
  const timer = setTimeout(() => stop(`timed out after ${timeoutMs} ms`), timeoutMs)
  child.stdin.on('error', () => {}) // one that reads nothing is fine
  child.stdin.end(JSON.stringify(event))
  const {promise, resolve} = Promise.withResolvers<number | NodeJS.Signals | null>()
  child.on('error', error => {
    failure ??= new Error(`cannot be started: ${error.message}`)
    resolve(null)
  })
  child.on('close', (code, signal) => resolve(code ?? signal))
  const status = await promise
  clearTimeout(timer)
  if (failure) throw failure
  if (status === vetoStatus) return {veto: firstLine(text.stdout) || firstLine(text.stderr) || `it ended with status ${vetoStatus}`}
  if (status !== 0) throw new Error(`${typeof status === 'string' ? `was killed by ${status}` : `ended with status ${status}`}${firstLine(text.stderr) === '' ? '' : `: ${firstLine(text.stderr)}`}`)
  return answerOf(text.stdout)
}

async function callAddress({url, headers, timeoutMs}: DeclaredHook & {url: string; headers: Record<string, string>}, event: object, {env}: CallOptions): Promise<unknown> {
  const filled = Object.entries(headers).map(([name, value]) => [name, value.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_, variable: string) => env[variable] ?? '')] as const)
  const response = await fetch(url, {
    method: 'POST', redirect: 'error', signal: AbortSignal.timeout(timeoutMs), headers: {...Object.fromEntries(filled), 'content-type': 'application/json'}, body: JSON.stringify(event),
  }).catch((error: unknown) => {
    throw new Error(error instanceof Error && error.name === 'TimeoutError' ? `timed out after ${timeoutMs} ms` : 'cannot be reached', {cause: error})
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`answered with HTTP ${response.status}`)
  }
  let body = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    body += decoder.decode(chunk as Uint8Array, {stream: true}) // of a response's body
    if (body.length > maxBytes) throw new Error(`answered with more than ${maxBytes} bytes`)
  }
  return response.headers.get('content-type')?.includes('json') ? answerOf(body) : undefined
}

function answerOf(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return parseJson(text)
  } catch {
    throw new Error('answered with something else than JSON')
  }
}

const firstLine = (text: string): string => sanitizeLine(text.trim().split('\n')[0] ?? '', 300)

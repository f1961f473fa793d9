import {spawn} from 'node:child_process'
import {CgpuError, errorCategories, errors, ExitCode} from '@cgpu/core/errors'
import {isObject, parseJson} from '@cgpu/core/state/json'

/** The page that a person has to open, and how long it is waited for. */
export interface AuthRequired {
  event: 'auth_required'
  url: string
  expiresInSeconds: number
}

/**
 * Signs in by a process of its own, which goes on waiting when this command has ended. Resolves with the page; throws the other
 * process's error when it came to none.
 */
export function signInDetached(argv: readonly string[]): Promise<AuthRequired> {
  const [, script = ''] = process.argv
  const child = spawn(process.execPath, ['--', script, 'auth', 'login', '--block', ...argv], {detached: true, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
  const printed = {stdout: '', stderr: ''}
  return new Promise((resolve, reject) => {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        printed[name] += text
        const page = name === 'stderr' ? pageIn(printed.stderr) : undefined
        if (!page) return
        child.stdout.destroy()
        child.stderr.destroy()
        child.removeAllListeners()
        child.unref()
        resolve(page)
      })
    }
    child.once('error', reject)
    child.once('close', (status) => reject(errorIn(printed.stdout, status ?? ExitCode.auth)))
  })
}

function pageIn(text: string): AuthRequired | undefined {
  for (const line of text.split('\n').slice(0, -1)) {
    const event = parsed(line)
    if (!isObject(event) || event['event'] !== 'auth_required') continue
    const {url, expiresInSeconds} = event
    if (typeof url === 'string' && typeof expiresInSeconds === 'number') return {event: 'auth_required', url, expiresInSeconds}
  }
  return undefined
}

/** The error of the other process's envelope. */
function errorIn(text: string, exit: number): CgpuError {
  const envelope = parsed(text)
  const error = isObject(envelope) ? envelope['error'] : undefined
  if (!isObject(error) || typeof error['message'] !== 'string' || typeof error['code'] !== 'string') {
    return errors.auth('the sign-in ended before it began', {code: 'SIGN_IN_FAILED', fix: 'cgpu auth login, without --json, says more'})
  }
  const {message, code, category, fix, retryable, details} = error
  return new CgpuError(message, {
    code, category: errorCategories.find((one) => one === category) ?? 'auth', exit, retryable: retryable === true,
    ...(typeof fix === 'string' ? {fix} : {}), ...(isObject(details) ? {details} : {}),
  })
}

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

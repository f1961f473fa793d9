import {spawn} from 'node:child_process'
import {closeSync, openSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError, errorCategories, errors} from '@cgpu/core/errors'
import type {ForwardRecord, ForwardStore} from '@cgpu/core/ports/record'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {cliProgram} from '../daemon/program.ts'
import {backgroundVariable} from './background.ts'

/** Has the same command run by a process of its own, which goes on when this one has ended. Resolves once it listens; throws its error. */
export async function forwardDetached(store: ForwardStore, id: string, argv: readonly string[], signal: AbortSignal): Promise<ForwardRecord> {
  await store.makeFolder()
  const log = openSync(store.logOf(id), 'w', 0o600)
  // its own wish for the background is fulfilled
  const {CGPU_DETACH: _, ...env} = process.env
  const child = spawn(process.execPath, [...cliProgram(), 'port', 'forward', ...argv, '--json'], {
    detached: true, stdio: ['ignore', log, log], windowsHide: true, env: {...env, [backgroundVariable]: id},
  })
  closeSync(log)
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  let exit: {status: number | null} | undefined
  ended.then((status) => (exit = {status}), () => (exit = {status: null}))
  try {
    for (;;) {
      signal.throwIfAborted()
      const record = await store.get(id)
      if (record?.state === 'open') break
      if (exit) throw await errorOf(store, id, exit.status)
      await delay(25)
    }
    child.unref()
    const record = await store.get(id)
    if (!record) throw await errorOf(store, id, null)
    return record
  } catch (error) {
    if (!exit) child.kill('SIGTERM')
    await ended.catch(() => undefined)
    await store.remove(id)
    throw error
  }
}

/** What the other process's envelope says. */
async function errorOf(store: ForwardStore, id: string, status: number | null): Promise<CgpuError> {
  const text = await readFile(store.logOf(id), 'utf8').catch(() => '')
  for (const line of text.trimEnd().split('\n').toReversed()) {
    const error = envelopeError(line)
    if (!error) continue
    const {code, message, fix, category, retryable, details} = error
    return new CgpuError(String(message), {
      code: String(code), exit: status ?? 70, category: errorCategories.find((one) => one === category) ?? 'internal', retryable: retryable === true,
      ...(typeof fix === 'string' ? {fix} : {}), ...(isObject(details) ? {details} : {}),
    })
  }
  return errors.network('the process of its own ended before it listened', {code: 'FORWARD_FAILED', fix: 'run the same command without --detach to see why'})
}

function envelopeError(line: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(line)
    return isObject(value) && isObject(value['error']) ? value['error'] : undefined
  } catch {
    return undefined
  }
}

import {readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {ensureDir} from '@cgpu/core/state/dirs'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {isAlive, processStartTime} from '@cgpu/core/state/process'

/**
 * What other commands learn of a sign-in that waits for its person, or of the last one that failed: `<state>/sign-in.json`, 0600. The
 * page's address is worth nothing without the process that waits for its answer.
 */
export class SignInRecord {
  readonly #path: string
  readonly #state: string

  constructor(stateDir: string) {
    this.#state = stateDir
    this.#path = join(stateDir, 'sign-in.json')
  }

  async waiting(url: string, expiresInSeconds: number): Promise<void> {
    const startTime = await processStartTime(process.pid)
    await this.#write({url, expiresAt: new Date(Date.now() + expiresInSeconds * 1000).toISOString(), pid: process.pid, ...(startTime === undefined ? {} : {startTime})})
  }

  async failed(error: CgpuError): Promise<void> {
    await this.#write({failure: {code: error.code, message: error.message}})
  }

  /** Signed in, or signed out: there is nothing to tell. */
  async clear(): Promise<void> {
    await rm(this.#path, {force: true})
  }

  /** Why it is as `missing` says (nobody is signed in), where the last sign-in tells: SIGN_IN_PENDING, or SIGN_IN_REQUIRED with what became of it. */
  async reason(missing: string): Promise<CgpuError | undefined> {
    const record = await readFile(this.#path, 'utf8').then(parseJson, () => undefined)
    if (!isObject(record)) return undefined
    const {url, expiresAt, pid, startTime, failure} = record
    if (typeof url === 'string' && typeof expiresAt === 'string' && typeof pid === 'number' && (await isAlive(pid, typeof startTime === 'string' ? startTime : undefined))) {
      return errors.auth('a sign-in waits for you', {code: 'SIGN_IN_PENDING', fix: `open ${url}`, retryable: true, details: {url, expiresAt}})
    }
    if (!isObject(failure) || typeof failure['message'] !== 'string') return undefined
    return errors.auth(`${missing}; of the last sign-in: ${failure['message']}`, {
      code: 'SIGN_IN_REQUIRED', fix: 'cgpu auth login', details: {lastSignIn: failure['code']},
    })
  }

  async #write(value: object): Promise<void> {
    await ensureDir(this.#state)
    await writeAtomic(this.#path, JSON.stringify({version: 1, ...value}))
  }
}

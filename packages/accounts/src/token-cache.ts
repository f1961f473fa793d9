import {createHash} from 'node:crypto'
import {open, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {z} from 'zod/mini'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {parseJson} from '@cgpu/core/state/json'
import type {LivingToken} from './life.ts'

const shape = z.object({
  accessToken: z.string().check(z.regex(/^[\x21-\x7e]+$/)), expiresIn: z.number(), receivedAt: z.number(), receivedUptime: z.number(),
})
const maxBytes = 64 * 1024

/** Access tokens for the next command: a file an account, 0600. It may be deleted at any time. */
export class TokenCache {
  readonly #folder: string

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'tokens')
  }

  pathOf(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
  }

  /** Undefined: there is none, it cannot be understood, or others may read it. */
  async get(key: string): Promise<LivingToken | undefined> {
    try {
      const file = await open(this.pathOf(key), 'r')
      try {
        const {mode, size} = await file.stat()
        if (size > maxBytes || (process.platform !== 'win32' && (mode & 0o077) !== 0)) return undefined
        return z.safeParse(shape, parseJson(await file.readFile('utf8'))).data
      } finally {
        await file.close()
      }
    } catch {
      return undefined
    }
  }

  async set(key: string, token: LivingToken): Promise<void> {
    await writeAtomic(this.pathOf(key), `${JSON.stringify(token)}\n`)
  }

  async delete(key: string): Promise<void> {
    await unlink(this.pathOf(key)).catch(() => undefined)
  }
}

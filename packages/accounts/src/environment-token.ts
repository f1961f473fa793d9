import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {z} from 'zod/mini'
import type {Account} from '@cgpu/core/account'
import {errors} from '@cgpu/core/errors'
import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {parseJson} from '@cgpu/core/state/json'
import {keyOf, realmOf} from './record.ts'
import type {Send} from './wire.ts'
import {explainToken, whoHas} from './who.ts'

export interface EnvironmentTokenOptions {
  send: Send
  hosts: GoogleHosts
  stateDir: string
}

const shape = z.object({email: z.string(), scopes: z.array(z.string())})

/** CGPU_TOKEN: an access token as it is. It is never written anywhere; only whose it is, by its hash. */
export class EnvironmentToken {
  readonly #token: string
  readonly #options: EnvironmentTokenOptions
  #account: Promise<Account> | undefined

  constructor(token: string, options: EnvironmentTokenOptions) {
    this.#token = token.trim()
    this.#options = options
  }

  async token(refused: string | undefined): Promise<string> {
    if (!/^[\x21-\x7e]{1,8192}$/.test(this.#token)) {
      throw errors.usage('CGPU_TOKEN holds characters that no token has', {code: 'INVALID_TOKEN', fix: 'give the access token alone, or unset CGPU_TOKEN'})
    }
    if (refused === this.#token) {
      throw errors.auth('Google does not accept the token in CGPU_TOKEN any more', {
        code: 'SIGN_IN_EXPIRED', fix: 'give CGPU_TOKEN a new access token, or unset it and sign in: cgpu auth login', details: {account: 'CGPU_TOKEN'},
      })
    }
    return this.#token
  }

  /** Asks Google once, and remembers the answer for this token. */
  account(): Promise<Account> {
    return (this.#account ??= this.#look())
  }

  async #look(): Promise<Account> {
    const {send, hosts, stateDir} = this.#options
    const token = await this.token(undefined)
    const path = join(stateDir, 'tokens', `owner-${createHash('sha256').update(keyOf({id: token, realm: realmOf(hosts)})).digest('hex').slice(0, 32)}.json`)
    const known = z.safeParse(shape, await readFile(path, 'utf8').then(parseJson).catch(() => undefined))
    if (known.success) return accountOf(known.data)
    const info = await explainToken(token, send, hosts)
    const email = info.email ?? (await whoHas(token, send, hosts)).email
    const found = {email, scopes: info.scopes}
    // a home that cannot be written, as in some containers, costs one question per command
    await writeAtomic(path, `${JSON.stringify(found)}\n`).catch(() => undefined)
    return accountOf(found)
  }
}

const accountOf = ({email, scopes}: {email: string; scopes: string[]}): Account => ({id: `google:${email}`, kind: 'token', email, scopes})

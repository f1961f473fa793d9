import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {type JsonObject, isObject} from '@cgpu/core/state/json'
import {JsonFile} from '@cgpu/core/state/json-file'
import type {ProxyToken} from '../api/api.ts'
import type {Effects} from '../effects.ts'

/** A proxy token, with when it was got by two clocks. */
export interface KeptToken extends ProxyToken {
  uptime: number
  wall: number
}

interface TokensFile {
  /** by `endpoint:port` */
  tokens: Record<string, KeptToken>
}

type Fetch = () => Promise<ProxyToken | null>

const marginMs = 5 * 60_000
const lockTimeoutMs = 60_000

/**
 * Proxy tokens in a file of their own (0600), so that all commands share one. They are replaced ahead of their end, by one process
 * at a time.
 */
export class ProxyTokens {
  readonly #stateDir: string
  readonly #effects: Pick<Effects, 'uptime' | 'wall'>
  readonly #file: JsonFile<TokensFile>

  constructor(stateDir: string, effects: Pick<Effects, 'uptime' | 'wall'>) {
    this.#stateDir = stateDir
    this.#effects = effects
    // no backup: a token that was dropped must be gone
    this.#file = new JsonFile<TokensFile>({path: join(stateDir, 'proxy-tokens.json'), version: 1, backup: false, initial: () => ({tokens: {}}), parse})
  }

  /** One that will do for a while; undefined: another must be got. */
  async fresh(endpoint: string, port: number): Promise<KeptToken | undefined> {
    const kept = await this.#read(endpoint, port)
    return kept && !this.isDue(kept) ? kept : undefined
  }

  /** Takes what an answer brought along. One that is still good stays, so that nothing is written. */
  async offer(offered: readonly {endpoint: string; proxy: ProxyToken}[]): Promise<void> {
    const {tokens} = await this.#file.read()
    const wanted = offered.filter(({endpoint, proxy}) => {
      const kept = own(tokens, keyOf(endpoint, 8080))
      return !kept || this.isDue(kept) || kept.url !== proxy.url
    })
    if (wanted.length === 0) return
    await this.#file.update((file) => ({
      tokens: {...this.#living(file.tokens), ...Object.fromEntries(wanted.map(({endpoint, proxy}) => [keyOf(endpoint, 8080), this.#keep(proxy)]))},
    }))
  }

  /**
   * A token other than `refused`, and one that is not about to end: another process may have got it already. Undefined when there
   * is no such machine.
   */
  async renew(endpoint: string, port: number, fetch: Fetch, refused?: string): Promise<KeptToken | undefined> {
    const {withLock} = await import('@cgpu/core/state/lock')
    const name = createHash('sha256').update(keyOf(endpoint, port)).digest('hex').slice(0, 16)
    return withLock(join(this.#stateDir, `token-${name}.lock`), async () => {
      const kept = await this.fresh(endpoint, port)
      if (kept && kept.token !== refused) return kept
      const got = await fetch()
      if (!got) return undefined
      const next = this.#keep(got)
      await this.#file.update(({tokens}) => ({tokens: {...this.#living(tokens), [keyOf(endpoint, port)]: next}}))
      return next
    }, {timeoutMs: lockTimeoutMs})
  }

  /** Forgets every token of these machines. */
  async drop(gone: (endpoint: string) => boolean): Promise<void> {
    const isGone = (key: string): boolean => gone(key.slice(0, key.lastIndexOf(':')))
    if (!Object.keys((await this.#file.read()).tokens).some(isGone)) return
    await this.#file.update(({tokens}) => ({tokens: Object.fromEntries(Object.entries(tokens).filter(([key]) => !isGone(key)))}))
  }

  /** Close to its end, or over. */
  isDue(kept: KeptToken): boolean {
    return this.leftMs(kept) < Math.min(marginMs, (kept.ttlSeconds * 1000) / 4)
  }

  /** The clock may have been set and the machine may have been started anew since; the greater age counts. */
  leftMs({uptime, wall, ttlSeconds}: KeptToken): number {
    const ages = [this.#effects.uptime() - uptime, this.#effects.wall() - wall].filter((age) => age >= 0)
    return ages.length === 0 ? 0 : ttlSeconds * 1000 - Math.max(...ages)
  }

  #living(tokens: Record<string, KeptToken>): Record<string, KeptToken> {
    return Object.fromEntries(Object.entries(tokens).filter(([, kept]) => this.leftMs(kept) > 0))
  }

  async #read(endpoint: string, port: number): Promise<KeptToken | undefined> {
    return own((await this.#file.read()).tokens, keyOf(endpoint, port))
  }

  #keep(token: ProxyToken): KeptToken {
    return {...token, uptime: Math.round(this.#effects.uptime()), wall: this.#effects.wall()}
  }
}

function keyOf(endpoint: string, port: number): string {
  return `${endpoint}:${port}`
}

function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function parse(value: JsonObject): TokensFile | undefined {
  if (!isObject(value['tokens'])) return undefined
  const tokens: Record<string, KeptToken> = {}
  for (const [key, one] of Object.entries(value['tokens'])) {
    if (!isObject(one)) return undefined
    const {url, token, ttlSeconds, uptime, wall} = one
    if (typeof url !== 'string' || typeof token !== 'string' || typeof ttlSeconds !== 'number' || typeof uptime !== 'number' || typeof wall !== 'number') return undefined
    tokens[key] = {url, token, ttlSeconds, uptime, wall}
  }
  return {tokens}
}

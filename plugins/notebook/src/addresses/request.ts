import {setTimeout as pause} from 'node:timers/promises'
import {CgpuError, errors} from '@cgpu/plugin-sdk'
import {shownAddress} from './address.ts'
import {tooLarge, unreachable} from './problems.ts'
import {isPrivateHost} from './private-network.ts'

const mostRedirects = 10
const attempts = 4
/** what may pass by itself */
const passing = new Set([408, 429, 500, 502, 503, 504])

export interface Ask {
  /** what messages call it */
  address: string
  url: string
  method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** those that let somebody in go to this origin alone */
  headers?: Readonly<Record<string, string>>
  body?: Blob | undefined
  maxBytes: number
  signal: AbortSignal
  /** ms until an answer begins, and between its pieces; of what is sent, only between the pieces that come back. Default 30_000 */
  stallMs?: number
  /** ms before the second try; the next ones wait twice as long each. Default 300 */
  firstPauseMs?: number
}

export interface Answer {
  status: number
  headers: Headers
  /** whole; of an answer that is no success its first 64 KiB */
  body: Uint8Array
  /** how often it was asked: after the first time it may have been done before */
  tries: number
}

/**
 * One request, again where it fails for a moment. GET follows redirects: never from https to http, nor from a public host into a private network.
 * Throws ADDRESS_UNREACHABLE (69), REDIRECT_REFUSED (75), NOTEBOOK_INVALID (65) for what is too large, and the signal's reason.
 */
export async function request(ask: Ask): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      const {retryAfterMs, ...answer} = await once(ask)
      if (!passing.has(answer.status) || tries === attempts) return {...answer, tries}
      await wait(ask, tries, retryAfterMs)
    } catch (error) {
      ask.signal.throwIfAborted()
      if (error instanceof CgpuError) throw error
      if (tries === attempts) throw unreachable(ask.address, whyOf(error), error)
      await wait(ask, tries)
    }
  }
}

async function wait({signal, firstPauseMs = 300}: Ask, tries: number, askedMs = 0): Promise<void> {
  const ms = firstPauseMs * 2 ** (tries - 1) * (1 + Math.random())
  await pause(Math.max(ms, Math.min(askedMs, 20_000)), undefined, {signal}).catch(() => signal.throwIfAborted())
}

async function once(ask: Ask): Promise<Omit<Answer, 'tries'> & {retryAfterMs: number}> {
  const {address, method = 'GET', body, maxBytes, signal, stallMs = 30_000} = ask
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs)
  if (body) clearTimeout(timer) // sending takes as long as it takes
  try {
    let url = new URL(ask.url)
    let headers = ask.headers ?? {}
    for (let hop = 0; ; hop++) {
      const response = await fetch(url, {method, headers, redirect: 'manual', signal: AbortSignal.any([signal, stalled.signal]), ...(body ? {body} : {})})
      const location = response.headers.get('location')
      if (method === 'GET' && location !== null && [301, 302, 303, 307, 308].includes(response.status)) {
        await response.body?.cancel()
        const next = await redirected(address, url, location, hop)
        if (next.origin !== url.origin) headers = {}
        url = next
        continue
      }
      const limit = response.ok ? maxBytes : 64 * 1024
      const bytes = await bodyOf(response, limit, response.ok ? () => tooLarge(address, maxBytes) : undefined, timer)
      return {status: response.status, headers: response.headers, body: bytes, retryAfterMs: 1000 * Number(response.headers.get('retry-after') ?? 0) || 0}
    }
  } finally {
    clearTimeout(timer)
  }
}

async function redirected(address: string, from: URL, location: string, hop: number): Promise<URL> {
  const refuse = (why: string) => errors.vetoed(`${shownAddress(address)} redirects ${why}`, {code: 'REDIRECT_REFUSED', category: 'network', fix: 'give the address that it should lead to'})
  const to = URL.parse(location, from.href)
  if (!to || (to.protocol !== 'https:' && to.protocol !== 'http:')) throw refuse('to what is no web address')
  if (hop + 1 >= mostRedirects) throw refuse('again and again')
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('from https to http')
  if (to.host !== from.host && await isPrivateHost(to.hostname) && !await isPrivateHost(from.hostname)) throw refuse('into a private network')
  to.username = ''
  to.password = ''
  return to
}

/** `tooMany` is thrown where there is more; without it the rest is left out. */
async function bodyOf(response: Response, limit: number, tooMany: (() => Error) | undefined, timer: NodeJS.Timeout): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array()
  if (tooMany && Number(response.headers.get('content-length') ?? 0) > limit) {
    await response.body.cancel()
    throw tooMany()
  }
  const chunks: Uint8Array[] = []
  let size = 0
  // leaving the loop cancels the rest
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) { // bytes, as fetch has them
    timer.refresh()
    size += chunk.length
    if (size > limit) {
      if (tooMany) throw tooMany()
      break
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}

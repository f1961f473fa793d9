import {protocolError} from '../http/answer.ts'
import {isLoopback} from '@cgpu/core/loopback'
import type {ProxyToken, Shape, Variant} from './api.ts'

type Enum = string | number | undefined

/** T's numbers, G's and P's names (protocol notes 3.2, 3.4, 3.11). What is unknown keeps its name. */
export function variantOf(value: Enum, accelerator: string): Variant {
  if (value === 1 || value === '1') return 'GPU'
  if (value === 2 || value === '2') return 'TPU'
  if (value === undefined) return accelerator === 'NONE' ? 'CPU' : guessVariant(accelerator)
  const name = String(value).toUpperCase().replace(/^VARIANT_/, '')
  return ['0', 'UNSPECIFIED', 'DEFAULT', 'CPU', 'NONE', ''].includes(name) ? (accelerator === 'NONE' ? 'CPU' : guessVariant(accelerator)) : name
}

/** Colab spells TPUs V28, V5E1, V6E1; a V100 is a GPU. */
function guessVariant(accelerator: string): Variant {
  return /^V\d(E\d+|8)$/.test(accelerator) ? 'TPU' : 'GPU'
}

export function shapeOf(value: Enum): Shape {
  if (value === undefined) return 'standard'
  const name = String(value).toUpperCase().replace(/^SHAPE_/, '')
  if (['0', 'STANDARD', 'DEFAULT', 'UNSPECIFIED', ''].includes(name)) return 'standard'
  return ['1', 'HIGHMEM', 'HIGH_MEM'].includes(name) ? 'high-memory' : name.toLowerCase()
}

export function acceleratorOf(value: string | undefined): string {
  return value === undefined || value === '' ? 'NONE' : value.toUpperCase()
}

/** `SUBSCRIPTION_TIER_PRO_PLUS` is `pro+`; no subscription is `free`. */
export function tierOf(value: Enum): string {
  if (value === undefined) return 'free'
  const name = String(value).toUpperCase().replace(/^SUBSCRIPTION_TIER_/, '')
  if (['0', 'NONE', 'FREE', 'UNSPECIFIED'].includes(name)) return 'free'
  if (name === 'PRO' || name === '1') return 'pro'
  return name === 'PRO_PLUS' || name === '2' ? 'pro+' : name.toLowerCase()
}

const defaultTtlSeconds = 3600
/** a token is asked for anew at least daily, whatever its server says */
const maxTtlSeconds = 24 * 3600

/** `3600s` or 3600; without a number above zero, the hour that Colab gives (protocol notes, 3.8). */
export function ttlSeconds(value: string | number | undefined): number {
  const seconds = typeof value === 'string' ? Number(/^(\d+(?:\.\d+)?)s?$/.exec(value.trim())?.[1]) : Number(value)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, maxTtlSeconds) : defaultTtlSeconds
}

/** The proxy token, whose URL must be one that a token can be sent to. Throws PROTOCOL (69). */
export function proxyOf(info: {token: string; url: string}, ttl: string | number | undefined, what: string): ProxyToken {
  if (!URL.canParse(info.url)) throw protocolError(what, "the machine's address is not a URL")
  const url = new URL(info.url)
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (!safe || url.username !== '' || url.password !== '') throw protocolError(what, "the machine's address is not https")
  // it is sent in a header
  if (!/^[\x21-\x7e]+$/.test(info.token)) throw protocolError(what, "the machine's token has odd characters in it")
  return {url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, token: info.token, ttlSeconds: ttlSeconds(ttl)}
}

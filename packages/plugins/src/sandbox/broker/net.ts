import {lookup, type LookupAddress} from 'node:dns'
import {type IncomingMessage, request as requestHttp} from 'node:http'
import {request as requestHttps} from 'node:https'
import {BlockList, isIP, type LookupFunction} from 'node:net'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'

export interface FetchRequest {
  url: string
  method: string
  headers: Readonly<Record<string, string>>
  /** base64 */
  body?: string | undefined
}

export interface Fetched {
  status: number
  headers: Record<string, string>
  /** after redirects */
  url: string
  /** base64 */
  body: string
}

const maxBytes = 16 * 1024 * 1024
const maxRedirects = 5
const timeoutMs = 60_000

/** This computer, its network, and the addresses where clouds keep the keys of their machines. */
const inward = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['224.0.0.0', 3],
] as const) inward.addSubnet(net, bits)
for (const [net, bits] of [['::', 127], ['fc00::', 7], ['fe80::', 10], ['ff00::', 8], ['64:ff9b::', 96]] as const) inward.addSubnet(net, bits, 'ipv6')

export function isInward(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  const plain = mapped ?? address
  const family = isIP(plain)
  return family === 0 || (/^::ffff:/i.test(plain) && family === 6) || inward.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Whether a pattern allows a host: `api.example.com`, `*.example.com` (not example.com itself), `host:port`, `*`. Without a port only the
 * scheme's own. `named`: by its very name, so that it may also be of this computer or its network.
 */
export function hostAllowed(url: URL, patterns: readonly string[]): {allowed: boolean; named: boolean} {
  const host = url.hostname.toLowerCase()
  let allowed = false
  for (const pattern of patterns) {
    const [, wanted = '', port] = /^(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? []
    if (pattern !== '*' && (port ?? '') !== url.port) continue
    if (wanted === host || wanted === host.replace(/^\[|\]$/g, '')) return {allowed: true, named: true}
    if (wanted === '*' || (wanted.startsWith('*.') && host.endsWith(wanted.slice(1)))) allowed = true
  }
  return {allowed, named: false}
}

/** One request, and its redirects: each hop must be allowed. Throws what `refuse` throws, or FETCH_FAILED (69). */
export async function fetchAllowed({url: first, method: firstMethod, headers: firstHeaders, body: firstBody}: FetchRequest, hosts: readonly string[], refuse: (host: string) => never): Promise<Fetched> {
  let url = parsed(first)
  let [method, headers, body] = [firstMethod, {...firstHeaders}, firstBody === undefined ? undefined : Buffer.from(firstBody, 'base64')]
  for (let hop = 0; ; hop++) {
    const {allowed, named} = hostAllowed(url, hosts)
    if (!allowed) refuse(sanitizeLine(url.host, 200))
    const answer = await one(url, {method, headers, body, named}, refuse)
    const {location} = answer.headers
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return {...answer, url: url.href}
    if (hop === maxRedirects) throw failed(url, 'it redirects too often')
    const next = parsed(new URL(location, url).href)
    // what was meant for one origin is not another's
    if (next.origin !== url.origin) headers = Object.fromEntries(Object.entries(headers).filter(([key]) => /^(accept|accept-language|user-agent|content-type)$/i.test(key)))
    if (answer.status === 303 || (method === 'POST' && answer.status < 303) || next.origin !== url.origin) [method, body] = [method === 'HEAD' ? 'HEAD' : 'GET', undefined]
    url = next
  }
}

function parsed(text: string): URL {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') throw errors.data(`${sanitizeLine(text, 200)} is no address to fetch`, {code: 'SANDBOX_CALL', category: 'plugin'})
  return url
}

interface Hop {
  method: string
  headers: Readonly<Record<string, string>>
  body: Buffer | undefined
  named: boolean
}

function one(url: URL, {method, headers, body, named}: Hop, refuse: (host: string) => never): Promise<Omit<Fetched, 'url'>> {
  const {promise, resolve, reject} = Promise.withResolvers<Omit<Fetched, 'url'>>()
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !named && isInward(host)) refuse(sanitizeLine(url.host, 200))
  // the very address that is connected to is looked at: a name may resolve to another one the next time
  const checked: LookupFunction = (name, options, callback) => {
    lookup(name, {...options, all: true}, (error, found) => {
      const addresses: LookupAddress[] = error ? [] : found.filter(({address}) => named || !isInward(address))
      const [address] = addresses
      if (error) callback(error, '', 0)
      else if (!address) callback(new InwardError(name), '', 0)
      else if (options.all) callback(null, addresses)
      else callback(null, address.address, address.family)
    })
  }
  const own = {...Object.fromEntries(Object.entries(headers).filter(([key]) => !/^(host|connection|content-length|transfer-encoding|upgrade|proxy-.*)$/i.test(key))), ...(body ? {'content-length': String(body.length)} : {})}
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {method, headers: own, lookup: checked, timeout: timeoutMs, agent: false})
  request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
  request.on('error', error => {
    try {
      if (error instanceof InwardError) refuse(`${sanitizeLine(url.host, 200)}, which is an address of this computer or its network`)
      reject(failed(url, error.message))
    } catch (refusal) {
      reject(refusal instanceof Error ? refusal : new Error(String(refusal)))
    }
  })
  request.on('response', response => {
    collect(response).then(resolve, (error: unknown) => reject(failed(url, error instanceof Error ? error.message : String(error))))
  })
  request.end(body)
  return promise
}

class InwardError extends Error {}

async function collect(response: IncomingMessage): Promise<Omit<Fetched, 'url'>> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const headers = Object.fromEntries(Object.entries(response.headers).flatMap(([key, value]) => (value === undefined ? [] : [[key, Array.isArray(value) ? value.join(', ') : value]])))
  return {status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('base64')}
}

const failed = (url: URL, why: string) => errors.network(`${sanitizeLine(url.host, 200)}: ${sanitizeLine(why, 300)}`, {code: 'FETCH_FAILED', retryable: true})

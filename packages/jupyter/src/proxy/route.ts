import {ProxyError} from './error.ts'

export interface Proxy {
  /** the variable that names it, as it is spelled in the environment */
  variable: string
  tls: boolean
  /** without brackets */
  host: string
  port: number
  /** `host:port`, for messages */
  name: string
  /** the Proxy-Authorization header; for the proxy alone */
  authorization: string | undefined
}

const {BlockList, isIP} = process.getBuiltinModule('node:net')

/**
 * The proxy that leads to `url`: HTTPS_PROXY for https and wss, HTTP_PROXY for http and ws, ALL_PROXY for both, lower case
 * first; none for loopback and what NO_PROXY names. Throws ProxyError PROXY_INVALID.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): Proxy | undefined {
  const name = /^(https|wss):$/.test(url.protocol) ? 'https_proxy' : 'http_proxy'
  const variable = [name, name.toUpperCase(), 'all_proxy', 'ALL_PROXY'].find(each => env[each])
  if (variable === undefined) return undefined
  const host = bare(url.hostname)
  if (isLoopback(host) || isExcepted(host, portOf(url), env['no_proxy'] || env['NO_PROXY'] || '')) return undefined
  return parseProxy(variable, env[variable] ?? '', host)
}

/** The port that a connection to `url` goes to. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return /^(https|wss):$/.test(url.protocol) ? 443 : 80
}

/** A host as sockets want it: without the brackets that a URL puts around IPv6 addresses. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

function parseProxy(variable: string, value: string, target: string): Proxy {
  const address = value.trim()
  const written = /^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `http://${address}`
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined || url.hostname === '' || !/^https?:$/.test(url.protocol)) {
    const why = url?.protocol.startsWith('socks') ? 'names a SOCKS proxy, which cgpu cannot use' : 'is not the address of an HTTP proxy'
    throw new ProxyError(`${variable} ${why}`, {code: 'PROXY_INVALID', fix: `${variable}=http://HOST:PORT, or NO_PROXY=${target} to connect without a proxy`})
  }
  const [host, port] = [bare(url.hostname), portOf(url)]
  const [user, password] = [decoded(url.username), decoded(url.password)]
  const authorization = user === '' && password === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return {variable, tls: url.protocol === 'https:', host, port, name: `${url.hostname}:${port}`, authorization}
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a % that was meant as such
  }
}

function isLoopback(host: string): boolean {
  return /(^|\.)localhost\.?$/.test(host) || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** NO_PROXY as curl and Go read it: hosts with their subdomains, `.suffix`, `*.suffix`, `host:port`, addresses, networks, `*`. */
function isExcepted(host: string, port: number, list: string): boolean {
  return list.toLowerCase().split(/[\s,]+/).some(entry => entry !== '' && matches(entry, host.replace(/\.$/, ''), port))
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return inNetwork(entry, host)
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry)
  const name = bare(parts?.[1] ?? entry)
  if (parts?.[2] !== undefined && Number(parts[2]) !== port) return false
  if (isIP(name) !== 0 || isIP(host) !== 0) return host === name
  const suffix = name.replace(/^\*?\./, '').replace(/\.$/, '')
  return suffix !== '' && (host.endsWith(`.${suffix}`) || host === suffix)
}

function inNetwork(entry: string, host: string): boolean {
  const [address = '', bits = ''] = entry.split('/')
  const kind = isIP(address)
  const prefix = /^\d+$/.test(bits) ? Number(bits) : Infinity
  if (kind === 0 || kind !== isIP(host) || prefix > (kind === 4 ? 32 : 128)) return false
  const network = new BlockList()
  network.addSubnet(address, prefix, kind === 4 ? 'ipv4' : 'ipv6')
  return network.check(host, kind === 4 ? 'ipv4' : 'ipv6')
}

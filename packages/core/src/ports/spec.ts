import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import type {Target} from './tunnel.ts'

export interface Address {
  address: string
  port: number
}

export interface ForwardSpec {
  /** where this computer listens; port 0: any that is free */
  local: Address
  remote: Target
  /** the machine listens, at `remote`, and `local` is where its connections lead */
  reverse?: true
}

const part = String.raw`\[[0-9A-Fa-f:.%]+\]|[^:[\]\s]*`
const shape = new RegExp(`^(?:${part})(?::(?:${part}))*$`)

/** Whether it is meant as one; a runtime's name never is. */
export function isForwardSpec(text: string): boolean {
  return /^\d+$|:/.test(text)
}

/**
 * `8888` (the same port on both sides), `8080:8888`, `0:8888`, `127.0.0.1:8080:8888`, and with a host as the machine sees it
 * `5432:db.internal:5432`, `127.0.0.1:5432:db.internal:5432`. IPv6 in brackets. Throws INVALID_PORT (64).
 */
export function parseForward(text: string, address = '127.0.0.1'): ForwardSpec {
  const parts = shape.test(text) ? text.match(new RegExp(part, 'g'))?.filter((one) => one !== '') ?? [] : []
  const separators = text.replaceAll(/\[[^\]]*\]/g, '').split(':').length - 1
  const known = parts.length === separators + 1 ? spread(parts) : undefined
  if (!known) throw invalid(text)
  const {at = address, local, host = 'localhost', remote} = known
  return {local: {address: bare(at), port: portOf(local, text, 0)}, remote: {host: bare(host), port: portOf(remote, text, 1)}}
}

/** `REMOTE:LOCAL`, the machine's first: its port leads here, or to a host that this computer reaches. Throws INVALID_PORT (64). */
export function parseReverse(text: string): ForwardSpec {
  const {local: {address, port}, remote} = parseForward(text)
  return {local: {address: remote.host, port: remote.port}, remote: {host: address, port}, reverse: true}
}

export function describeForward({local, remote, reverse}: ForwardSpec): {from: string; to: string} {
  if (reverse) return {from: join(remote.host, remote.port), to: join(local.address, local.port)}
  return {from: join(local.address, local.port), to: remote.host === 'localhost' ? String(remote.port) : join(remote.host, remote.port)}
}

function spread(parts: string[]): {at?: string; local: string; host?: string; remote: string} | undefined {
  const [a = '', b = '', c = '', d = ''] = parts
  const number = (one: string): boolean => /^\d+$/.test(one)
  if (parts.length === 1 && number(a)) return {local: a, remote: a}
  if (parts.length === 2 && number(a) && number(b)) return {local: a, remote: b}
  if (parts.length === 3 && number(c)) return number(a) && !number(b) ? {local: a, host: b, remote: c} : number(b) && !number(a) ? {at: a, local: b, remote: c} : undefined
  if (parts.length === 4 && !number(a) && number(b) && number(d)) return {at: a, local: b, host: c, remote: d}
  return undefined
}

function portOf(digits: string, text: string, least: number): number {
  const port = Number(digits)
  if (digits.length > 5 || port < least || port > 65_535) throw invalid(text)
  return port
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

function join(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function invalid(text: string): Error {
  return errors.usage(`not a pair of ports: ${sanitizeLine(text, 100)}`, {
    code: 'INVALID_PORT', fix: 'give LOCAL:REMOTE such as 8080:8888, one number for both, 0:8888 for any free port, or LOCAL:HOST:REMOTE',
  })
}

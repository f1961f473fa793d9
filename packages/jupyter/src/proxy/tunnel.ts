import type {Socket} from 'node:net'
import {errorCode, isTlsCode, messageOf} from '../errors.ts'
import {ProxyError} from './error.ts'
import type {Proxy} from './route.ts'

/** Until the proxy has connected: less than any caller's own limit, so that the message names the proxy. */
const usualMs = 8_000

const http = process.getBuiltinModule('node:http')
const https = process.getBuiltinModule('node:https')
const {isIP} = process.getBuiltinModule('node:net')

/**
 * A connection to `host:port` through the proxy's CONNECT (RFC 9110 section 9.3.6). What is sent over it, TLS's own
 * beginning included, is between the caller and that host. Throws ProxyError, or the signal's AbortError.
 */
export function openTunnel(proxy: Proxy, target: string, signal?: AbortSignal, limitMs = usualMs): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = (proxy.tls ? https : http).request({
      host: proxy.host, port: proxy.port, method: 'CONNECT', path: target, agent: false,
      // not the target's, which node would take from the host header
      servername: isIP(proxy.host) === 0 ? proxy.host : '',
      headers: {host: target, connection: 'keep-alive', ...(proxy.authorization !== undefined && {'proxy-authorization': proxy.authorization})},
      ...(signal && {signal}),
    })
    let connected = false
    const late = new ProxyError(`the proxy ${proxy.name} did not connect to ${target} within ${limitMs / 1000} s`, failed(proxy, target, true))
    const timer = setTimeout(() => request.destroy(late), limitMs)
    request.once('socket', socket => socket.once(proxy.tls ? 'secureConnect' : 'connect', () => (connected = true)))
    request.once('error', error => {
      clearTimeout(timer)
      reject(signal?.aborted ? error : explain(error, proxy, target, connected))
    })
    // whatever the status is
    request.once('connect', (response, socket: Socket, head) => {
      clearTimeout(timer)
      const status = response.statusCode ?? 0
      if (status < 200 || status >= 300) {
        socket.destroy()
        return reject(refused(status, proxy, target))
      }
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.end()
  })
}

function refused(status: number, proxy: Proxy, target: string): ProxyError {
  if (status !== 407) return new ProxyError(`the proxy ${proxy.name} does not connect to ${target}: it answered ${status}`, failed(proxy, target, status >= 500))
  const why = proxy.authorization === undefined ? 'wants a user name and a password' : `does not take the user name and password in ${proxy.variable}`
  return new ProxyError(`the proxy ${proxy.name} ${why} (407)`, {
    code: 'PROXY_AUTH_REQUIRED', fix: `${proxy.variable}=${proxy.tls ? 'https' : 'http'}://USER:PASSWORD@${proxy.name}, with special characters as %XX`,
  })
}

function explain(error: unknown, proxy: Proxy, target: string, connected: boolean): ProxyError {
  if (error instanceof ProxyError) return error
  const code = errorCode(error)
  const why = code ?? messageOf(error)
  const problem = (message: string, retryable: boolean): ProxyError => new ProxyError(message, {...failed(proxy, target, retryable), cause: error})
  if (code?.startsWith('HPE_')) return problem(`${proxy.name}, which ${proxy.variable} names, does not answer as an HTTP proxy does (${why})`, false)
  if (proxy.tls && code !== undefined && isTlsCode(code)) {
    return new ProxyError(`the certificate of the proxy ${proxy.name} is not trusted (${why})`, {
      code: 'PROXY_FAILED', fix: 'name its authority: NODE_EXTRA_CA_CERTS=FILE', cause: error,
    })
  }
  if (connected) return problem(`the proxy ${proxy.name} hung up before it had connected to ${target} (${why})`, true)
  return problem(`the proxy ${proxy.name} cannot be reached (${why})`, true)
}

function failed(proxy: Proxy, target: string, retryable: boolean): {code: 'PROXY_FAILED'; fix: string; retryable: boolean} {
  const host = target.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return {code: 'PROXY_FAILED', fix: `check ${proxy.variable}; NO_PROXY=${host} connects without the proxy`, retryable}
}

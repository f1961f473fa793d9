import {resolveSettings} from '@cgpu/core/config/resolve'
import {CgpuError, errors, proxyProblem} from '@cgpu/core/errors'
import {googleHosts} from '@cgpu/core/google/hosts'
import {covers} from '@cgpu/core/google/scopes'
import {isLoopback} from '@cgpu/core/loopback'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type HttpAnswer, makeAgent, send} from '@cgpu/jupyter/http'
import {type CgpuCommand, fetched, type GoogleAccess, type GoogleRequest, keepOutOfDebugLog} from '@cgpu/plugin-sdk'
import {accountsFor} from './accounts.ts'

/** a piece of an upload may need it on a slow line */
const answerMs = 120_000
const maxBytes = 32 * 1024 * 1024

/** `googleAccess` of the SDK: a Google account for a plugin of this process, which never sees its token. */
export async function googleAccess(command: CgpuCommand, {account: name, scopes}: GoogleRequest): Promise<GoogleAccess> {
  const {configDir, dataDir, cacheDir} = command.config
  const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
  const onWarning = (message: string): void => void command.warn(message)
  const trace = (line: string): void => traceOf(command, line)
  const settings = await resolveSettings({env: process.env, cwd: process.cwd(), configDir: dirs.config, flags: {account: name}, onWarning})
  const hosts = googleHosts((key) => settings.text(key))
  const accounts = await accountsFor({dirs, env: process.env, onWarning, trace})(settings)
  const account = await accounts.current()
  const [wanted] = scopes
  if (wanted !== undefined && !scopes.some((one) => covers(account.scopes, one))) {
    await accounts.token({scopes: [wanted]}) // throws with the command that asks for it
    throw errors.auth(`the token of ${account.email} does not allow this: ${wanted.replace(/^.*\/auth\//, '')}`, {code: 'SCOPE_MISSING', fix: 'give CGPU_TOKEN a token with that scope, or unset it and sign in: cgpu auth login'})
  }
  const {origin} = new URL(hosts.drive)
  const agent = makeAgent(new URL(origin), undefined)
  const ask = async (url: URL, token: string, {method = 'GET', headers = {}, body, signal}: Parameters<GoogleAccess['fetch']>[1] & object): Promise<HttpAnswer> => {
    keepOutOfDebugLog(token)
    const started = performance.now()
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const said = (outcome: string | number): void => trace(`${method} ${url.host}${sanitizeLine(url.pathname)} ${outcome} ${Math.round(performance.now() - started)} ms`)
    try {
      const own = {...headers, ...(bytes ? {'content-length': String(bytes.length)} : {}), 'accept-encoding': 'identity', authorization: `Bearer ${token}`}
      const answer = await send({method, url, headers: own, body: bytes, signal, headersTimeoutMs: answerMs, maxBytes}, agent)
      said(answer.status)
      return answer
    } catch (error) {
      said('failed')
      throw failed(error, url)
    }
  }
  return {
    account: {id: account.id, email: account.email, scopes: account.scopes},
    drive: origin,
    colab: hosts.colab,
    async fetch(address, options = {}) {
      const url = new URL(address)
      if (url.origin !== origin) throw errors.network(`${sanitizeLine(url.host, 100)} is not ${new URL(origin).host}, and a token goes nowhere else`, {code: 'HOST_NOT_GOOGLE'})
      const token = await accounts.token({signal: options.signal})
      let answer = await ask(url, token, options)
      if (answer.status === 401) answer = await ask(url, await accounts.token({refused: token, signal: options.signal}), options)
      return fetched({status: answer.status, headers: plain(answer), url: url.href}, answer.body)
    },
  }
}

const plain = ({headers}: HttpAnswer): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]])))

/** What a socket threw, in the user's terms. */
function failed(error: unknown, {hostname}: URL): unknown {
  if (error instanceof CgpuError || !(error instanceof Error) || error.name !== 'JupyterError') return error
  const proxy = proxyProblem(error)
  if (proxy) return proxy
  const said = sanitizeLine(error.message, 300)
  if ('code' in error && error.code === 'TLS') return errors.network(said, {code: 'TLS_NOT_TRUSTED', fix: 'where a proxy inspects traffic, name its authority: NODE_EXTRA_CA_CERTS=FILE', cause: error})
  const retryable = 'retryable' in error && error.retryable === true
  const fix = isLoopback(hostname) ? 'start the emulator, and use it in this shell: eval "$(cgpu emulator start --env)"' : 'check the connection, then try again'
  return errors.network(`Google cannot be reached: ${said}`, {code: 'GOOGLE_UNREACHABLE', retryable, fix, cause: error})
}

/** With --verbose; `trace` is for a command's own use, and this is work of the command. */
function traceOf(command: CgpuCommand, line: string): void {
  ;(command as unknown as {trace(line: string): void}).trace(line) // protected
}

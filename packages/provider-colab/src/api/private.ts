import type {HttpAnswer} from '@cgpu/jupyter/http'
import type * as z from 'zod/mini'
import {checked, isHtml, jsonOf, protocolError} from '../http/answer.ts'
import type {ControlClient, ControlRequest} from '../http/client.ts'
import {graceAfter} from '../http/grace.ts'
import {statusError} from '../http/errors.ts'
import type {Assignment, CallOptions, ColabApi, Propagation, ProxyToken, UserInfo, Wish} from './api.ts'
import {isPublicId, notebookHash} from './keys.ts'
import * as schemas from './schemas.ts'
import {assignPath, assignQuery, kindOf, machineOf, mayRepeat, proxyT, refuse, refuseOutcome, refuseXsrf, waitOf} from './tunnel.ts'
import {userInfoOfCcu, userInfoOfG} from './user-info.ts'
import {proxyOf} from './vocabulary.ts'

const tunnel = {'x-colab-tunnel': 'Google'}
const xsrfHeader = 'x-goog-colab-token'
/** the front end notes the activity when the request arrives; the machine behind it often never answers */
const keepAliveMs = 10_000
/** a machine is looked for before a POST may take so long */
const assignMs = 60_000
const graceMs = 10_000
const maxAttempts = 4

/** Dialects T and G, which Colab's own clients speak today. */
export class PrivateApi implements ColabApi {
  readonly #client: ControlClient

  constructor(client: ControlClient) {
    this.#client = client
  }

  get account(): string {
    return this.#client.account
  }

  newKey(): string {
    return notebookHash()
  }

  /** Whether what the public API made is listed here is not known. */
  lists(key: string): boolean {
    return !isPublicId(key)
  }

  async userInfo({consumption, signal}: CallOptions & {consumption?: boolean} = {}): Promise<UserInfo> {
    const path = '/v1/user-info'
    const query = consumption ? {query: {get_ccu_consumption_info: 'true'}} : {}
    const answer = await this.#client.send({method: 'GET', host: 'colabApi', path, ...query, expect: [403, 404, 501], signal})
    if (isGood(answer)) return userInfoOfG(this.#parse(schemas.userInfoG, answer, path))
    const legacy = '/tun/m/ccu-info'
    return userInfoOfCcu(this.#parse(schemas.ccuInfoT, await this.#client.send({method: 'GET', host: 'colab', path: legacy, signal}), legacy))
  }

  async assignments({signal}: CallOptions = {}): Promise<Assignment[]> {
    const path = '/v1/assignments'
    const answer = await this.#client.send({method: 'GET', host: 'colabApi', path, expect: [403, 404, 501], signal})
    if (!isGood(answer)) return this.#assignmentsT(signal)
    const {assignments = []} = this.#parse(schemas.assignmentsG, answer, path)
    return assignments.map((one) => ({
      ...kindOf(one),
      ...(one.runtimeProxyInfo ? {proxy: proxyOf(one.runtimeProxyInfo, one.runtimeProxyInfo.tokenTtl, path)} : {}),
      ...(one.runtimeVersionLabel ? {image: one.runtimeVersionLabel} : {}),
      ...(one.notebookIdHash ? {notebookHash: one.notebookIdHash} : {}),
    }))
  }

  async #assignmentsT(signal: AbortSignal | undefined): Promise<Assignment[]> {
    const path = '/tun/m/assignments'
    const {assignments = []} = this.#parse(schemas.assignmentsT, await this.#client.send({method: 'GET', host: 'colab', path, signal}), path)
    return assignments.map((one) => ({...kindOf(one), ...proxyT(one.runtimeProxyInfo, path)}))
  }

  /**
   * GET, then POST with the token that it gave. An answer that gets lost is looked for by another GET, which shows the
   * machine if there is one, so that there is never a second.
   */
  async assign(wish: Wish, {signal}: CallOptions = {}): Promise<Assignment> {
    const query = assignQuery(wish)
    for (let attempt = 1; ; attempt++) {
      const {machine, token} = await this.#lookUp(query, signal)
      if (machine) return machine
      try {
        return await this.#post(query, token, signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (attempt >= maxAttempts || !mayRepeat(error, attempt)) throw error
        await this.#client.sleep(waitOf(error, attempt), signal)
      }
    }
  }

  async withdraw(key: string, options: CallOptions = {}): Promise<boolean> {
    const {machine} = await this.#lookUp({nbh: key}, options.signal)
    if (machine) await this.unassign(machine, options)
    return machine !== undefined
  }

  async #lookUp(query: Record<string, string>, signal: AbortSignal | undefined): Promise<{machine?: Assignment; token: string}> {
    const request: ControlRequest = {method: 'GET', host: 'colab', path: assignPath, query, expect: [400, 412], signal}
    const sent = await this.#client.send(request)
    refuse(sent)
    const answer = this.#parse(schemas.assignGetT, sent, assignPath)
    if (answer.endpoint !== undefined) return {machine: machineOf({...answer, endpoint: answer.endpoint}), token: ''}
    if (answer.token === undefined) throw protocolError(`GET ${assignPath}`, 'it has neither a token nor a machine')
    return {token: answer.token}
  }

  /** Not cut off by an abort at once: only the answer tells whether there is a machine to release. */
  async #post(query: Record<string, string>, token: string, aborted: AbortSignal | undefined): Promise<Assignment> {
    const signal = aborted && graceAfter(aborted, graceMs)
    const sent = await this.#client.send({
      method: 'POST', host: 'colab', path: assignPath, query, headers: {[xsrfHeader]: token}, expect: [400, 403, 412, 503], timeoutMs: assignMs, signal,
    })
    refuse(sent)
    refuseXsrf(sent, `POST ${assignPath}`)
    const answer = this.#parse(schemas.assignPostT, sent, assignPath)
    refuseOutcome(answer.outcome)
    if (answer.endpoint === undefined) throw protocolError(`POST ${assignPath}`, 'it names no machine')
    return machineOf({...answer, endpoint: answer.endpoint})
  }

  async unassign({endpoint}: Pick<Assignment, 'endpoint'>, {signal}: CallOptions = {}): Promise<void> {
    const path = `/tun/m/unassign/${encodeURIComponent(endpoint)}`
    for (let attempt = 1; ; attempt++) {
      const asked = await this.#client.send({method: 'GET', host: 'colab', path, expect: [404], signal})
      if (asked.status === 404) return this.#confirmGone(asked, endpoint, signal)
      const {token} = this.#parse(schemas.xsrfToken, asked, path)
      try {
        const done = await this.#client.send({method: 'POST', host: 'colab', path, headers: {[xsrfHeader]: token}, expect: [403, 404], signal})
        if (done.status === 404) return await this.#confirmGone(done, endpoint, signal)
        refuseXsrf(done, `POST ${path}`)
        // nothing, or JSON: a page of something in between would not have released it
        jsonOf(done, `POST ${path}`)
        return
      } catch (error) {
        signal?.throwIfAborted()
        if (attempt >= maxAttempts || !mayRepeat(error, attempt)) throw error
        await this.#client.sleep(waitOf(error, attempt), signal)
      }
    }
  }

  async proxyToken({endpoint}: Pick<Assignment, 'endpoint'>, port: number, {signal}: CallOptions = {}): Promise<ProxyToken | null> {
    const query = {endpoint, port: String(port)}
    const path = '/v1/runtime-proxy-token'
    const answer = await this.#client.send({method: 'GET', host: 'colabApi', path, query, expect: [403, 404, 501], signal})
    if (isGood(answer)) {
      const info = this.#parse(schemas.proxyTokenG, answer, path)
      return proxyOf(info, info.tokenTtl, path)
    }
    const older = '/tun/m/runtime-proxy-token'
    const second = await this.#client.send({method: 'GET', host: 'colab', path: older, query, headers: tunnel, expect: [404], signal})
    if (second.status === 404) return null
    const info = this.#parse(schemas.proxyTokenT, second, older)
    return proxyOf(info, info.tokenExpiresInSeconds, older)
  }

  async keepAlive(endpoint: string, {signal}: CallOptions = {}): Promise<'alive' | 'gone'> {
    const answer = await this.#client.send({
      method: 'GET', host: 'colab', path: `/tun/m/${encodeURIComponent(endpoint)}/keep-alive/`, headers: tunnel,
      expect: [404], repeatable: false, mayHang: true, timeoutMs: keepAliveMs, signal,
    })
    if (answer.status !== 404) return 'alive'
    await this.#confirmGone(answer, endpoint, signal)
    return 'gone'
  }

  /** A 404 with a page may be Colab's, or that of something in between: then the list tells. */
  async #confirmGone(answer: HttpAnswer, endpoint: string, signal: AbortSignal | undefined): Promise<void> {
    if (!isHtml(answer)) return
    const listed = (await this.assignments({signal})).some((one) => one.endpoint === endpoint)
    if (listed) throw statusError(answer, `the release of ${endpoint}`, 'Colab')
  }

  /** Each POST with a token of its own. */
  async propagate(endpoint: string, what: 'drive' | 'user', dryRun: boolean, {signal}: CallOptions = {}): Promise<Propagation> {
    const path = `/tun/m/credentials-propagation/${encodeURIComponent(endpoint)}`
    const query = {
      authtype: what === 'drive' ? 'dfs_ephemeral' : 'auth_user_ephemeral', version: '2', dryrun: String(dryRun), propagate: 'true', record: 'false',
    }
    const {token} = this.#parse(schemas.xsrfToken, await this.#client.send({method: 'GET', host: 'colab', path, query, signal}), path)
    const answer = await this.#client.send({method: 'POST', host: 'colab', path, query, headers: {[xsrfHeader]: token}, signal})
    const {success = false, unauthorized_redirect_uri: consentUrl} = this.#parse(schemas.propagationT, answer, path)
    return {success, ...(consentUrl === undefined ? {} : {consentUrl})}
  }

  #parse<T>(schema: z.ZodMiniType<T>, answer: HttpAnswer, path: string): T {
    return checked(schema, jsonOf(answer, path), path)
  }
}

function isGood({status}: HttpAnswer): boolean {
  return status >= 200 && status < 300
}

import {errors} from '@cgpu/core/errors'
import type {HttpAnswer} from '@cgpu/jupyter/http'
import type * as z from 'zod/mini'
import {checked, jsonOf, protocolError, saidIn, saidOf} from '../http/answer.ts'
import type {ControlClient} from '../http/client.ts'
import {type Assignment, AssignRefused, type CallOptions, type ColabApi, type Propagation, type ProxyToken, type UserInfo, type Wish} from './api.ts'
import {graceAfter} from '../http/grace.ts'
import {publicId, requestIdOf} from './keys.ts'
import * as schemas from './schemas.ts'
import {acceleratorOf, proxyOf, shapeOf, variantOf} from './vocabulary.ts'

const runtimesPath = '/v1beta/runtimes'
/** the server's own limit for a creation is 180 s (protocol notes, 3.11) */
const waitSeconds = 200
const waits = 3
const graceMs = 10_000
const gone = 404
/** how it answers accounts and projects that it is not open to */
const closed = [403, 404]
const alreadyExists = 6
const failedPrecondition = 9

/**
 * Dialect P, Colab's public API: creation, list and release. For all else there is nothing in it, so that `rest` is asked.
 * The key of a wish is the runtime's id: it is idempotent by itself.
 */
export class PublicApi implements ColabApi {
  readonly #client: ControlClient
  readonly #rest: ColabApi

  constructor(client: ControlClient, rest: ColabApi) {
    this.#client = client
    this.#rest = rest
  }

  get account(): string {
    return this.#client.account
  }

  newKey(): string {
    return publicId()
  }

  /** The rest lists what was made otherwise. */
  lists(): boolean {
    return true
  }

  userInfo(options?: CallOptions & {consumption?: boolean}): Promise<UserInfo> {
    return this.#rest.userInfo(options)
  }

  async assignments({signal}: CallOptions = {}): Promise<Assignment[]> {
    const others = this.#rest.assignments({signal})
    // its failure is thrown below, after that of the first
    others.catch(() => undefined)
    const answer = await this.#client.send({method: 'GET', host: 'colabPublic', path: runtimesPath, expect: closed, signal})
    refuseClosed(answer)
    const {runtimes = []} = checked(schemas.runtimesP, jsonOf(answer, runtimesPath), runtimesPath)
    const named = runtimes.flatMap((one) => this.#machine(one, answer) ?? [])
    // what was made in a browser or by another dialect is billed as well, whether or not it is in the first list
    return [...named, ...(await others).filter((one) => !named.some(({endpoint}) => endpoint === one.endpoint))]
  }

  async assign(wish: Wish, {signal}: CallOptions = {}): Promise<Assignment> {
    const {key, variant, accelerator, highMemory, image} = wish
    // the id makes it safe to repeat: a second runtime of that id is refused
    const answer = await this.#client.send({
      method: 'POST', host: 'colabPublic', path: runtimesPath, query: {requestId: requestIdOf(key), runtimeId: key}, repeatable: true, expect: [400, 409, ...closed], signal,
      body: {
        runtimeSpec: {accelerator, shape: highMemory ? 'SHAPE_HIGHMEM' : 'SHAPE_STANDARD', variant: `VARIANT_${variant}`},
        ...(image === undefined ? {} : {version: image}),
      },
    })
    refuseClosed(answer)
    if (answer.status === 400) throw new AssignRefused('entitlement', saidIn(answer).message)
    if (answer.status === 409) return this.#made(key, signal)
    let operation = this.#operation(answer)
    // not cut off by an abort at once: only its end tells whether there is a machine to release
    const patience = signal && graceAfter(signal, graceMs)
    for (let wait = 0; !operation.done && wait < waits; wait++) operation = await this.#wait(operation.name, patience)
    if (!operation.done) {
      throw errors.network('Colab did not finish making the runtime', {code: 'CREATE_TIMED_OUT', category: 'capacity', retryable: true, fix: 'try again in a minute'})
    }
    if (operation.error) {
      if (operation.error['code'] === alreadyExists) return this.#made(key, signal)
      throw refusal(operation.error, accelerator)
    }
    const what = `POST ${runtimesPath}`
    const runtime = checked(schemas.runtimeP, operation.response, what)
    return this.#machine(runtime, answer) ?? this.#made(key, signal)
  }

  async withdraw(key: string, {signal}: CallOptions = {}): Promise<boolean> {
    return this.#delete(`runtimes/${key}`, signal)
  }

  async #made(key: string, signal: AbortSignal | undefined): Promise<Assignment> {
    const found = await this.#get(`runtimes/${key}`, signal)
    if (!found) throw protocolError(`POST ${runtimesPath}`, 'the runtime is made, and is not there')
    return found
  }

  async #get(name: string, signal: AbortSignal | undefined): Promise<Assignment | null> {
    const path = `/v1beta/${pathOf(name)}`
    const answer = await this.#client.send({method: 'GET', host: 'colabPublic', path, expect: [gone], signal})
    if (answer.status === gone) return null
    return this.#machine(checked(schemas.runtimeP, jsonOf(answer, path), path), answer) ?? null
  }

  async #wait(name: string | undefined, signal: AbortSignal | undefined): Promise<z.infer<typeof schemas.operationP>> {
    if (name === undefined) throw protocolError(`POST ${runtimesPath}`, 'the operation has no name')
    // an id with a slash in it is one segment
    const path = `/v1/operations/${encodeURIComponent(name.replace(/^operations\//, ''))}:wait`
    return this.#operation(await this.#client.send({
      method: 'GET', host: 'colabPublic', path, query: {timeout: `${waitSeconds}s`}, timeoutMs: (waitSeconds + 10) * 1000, signal,
    }))
  }

  #operation(answer: HttpAnswer): z.infer<typeof schemas.operationP> {
    return checked(schemas.operationP, jsonOf(answer, 'an operation'), 'an operation')
  }

  async unassign({endpoint, name}: Pick<Assignment, 'endpoint' | 'name'>, options: CallOptions = {}): Promise<void> {
    const known = name ?? (await this.assignments(options)).find((one) => one.endpoint === endpoint)?.name
    // made in a browser, or with the private dialect
    if (known === undefined) return this.#rest.unassign({endpoint}, options)
    await this.#delete(known, options.signal)
  }

  async #delete(name: string, signal: AbortSignal | undefined): Promise<boolean> {
    const path = `/v1beta/${pathOf(name)}`
    const answer = await this.#client.send({method: 'DELETE', host: 'colabPublic', path, repeatable: true, expect: [gone], signal})
    // nothing, or JSON: a page of something in between would not have released it
    jsonOf(answer, path)
    return answer.status !== gone
  }

  async proxyToken(machine: Pick<Assignment, 'endpoint' | 'name'>, port: number, options: CallOptions = {}): Promise<ProxyToken | null> {
    if (machine.name === undefined || port !== 8080) return this.#rest.proxyToken(machine, port, options)
    return (await this.#get(machine.name, options.signal))?.proxy ?? null
  }

  keepAlive(endpoint: string, options?: CallOptions): Promise<'alive' | 'gone'> {
    return this.#rest.keepAlive(endpoint, options)
  }

  propagate(endpoint: string, what: 'drive' | 'user', dryRun: boolean, options?: CallOptions): Promise<Propagation> {
    return this.#rest.propagate(endpoint, what, dryRun, options)
  }

  /** A runtime without a name or a connection is still being made: nothing can be done with it yet. */
  #machine(runtime: z.infer<typeof schemas.runtimeP>, answer: HttpAnswer): Assignment | undefined {
    const {name, runtimeSpec, connectionInfo, version} = runtime
    if (name === undefined || !connectionInfo) return undefined
    const accelerator = acceleratorOf(runtimeSpec?.accelerator)
    return {
      name, endpoint: connectionInfo.endpoint, accelerator,
      variant: variantOf(runtimeSpec?.variant, accelerator), shape: shapeOf(runtimeSpec?.shape),
      proxy: proxyOf(connectionInfo, lifeOf(connectionInfo.expireTime, answer), runtimesPath),
      ...(version ? {image: version} : {}),
    }
  }
}

/** Seconds from the server's own time, so that this machine's clock does not matter. */
function lifeOf(expireTime: string | undefined, answer: HttpAnswer): number | undefined {
  const until = Date.parse(expireTime ?? '')
  const now = Date.parse(answer.headers.date ?? '')
  return Number.isNaN(until) || Number.isNaN(now) ? undefined : (until - now) / 1000
}

function refuseClosed(answer: HttpAnswer): void {
  if (!closed.includes(answer.status)) return
  const {message} = saidIn(answer)
  throw errors.auth(`Colab's public interface is not open to this account${message === undefined ? '' : `: ${message}`}`, {
    code: 'PUBLIC_INTERFACE_CLOSED', fix: 'use the other one: cgpu config unset colab-dialect',
  })
}

function pathOf(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}

/** A done operation's error (protocol notes, 3.11). */
function refusal(error: Record<string, unknown>, accelerator: string): Error {
  const {message, reasons} = saidOf(error)
  if (reasons.includes('TOO_MANY_ACTIVE_RUNTIMES')) return new AssignRefused('too-many', message)
  if (reasons.includes('DENYLISTED')) return new AssignRefused('denylisted', message)
  if (reasons.some((one) => one.startsWith('QUOTA_'))) return new AssignRefused('quota', message)
  if (reasons.some((one) => one.includes('ENTITLE'))) return new AssignRefused('entitlement', message)
  if (error['code'] === failedPrecondition && accelerator !== 'NONE') return new AssignRefused('capacity', message)
  const because = message ?? reasons[0]
  return errors.network(`Colab did not make the runtime${because === undefined ? '' : `: ${because}`}`, {
    code: 'COLAB_REFUSED', category: 'runtime', fix: 'try again, or use the private interface: cgpu config unset colab-dialect',
  })
}

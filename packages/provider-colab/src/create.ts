import {errors} from '@cgpu/core/errors'
import type {CreateOptions, ProviderRuntime, RuntimeSpec} from '@cgpu/core/provider'
import {processStartTime} from '@cgpu/core/state/process'
import {mismatch, wishFor} from './accelerators.ts'
import {type Assignment, AssignRefused, type ColabApi, type Wish} from './api/api.ts'
import type {Colab} from './context.ts'
import {isCgpuFailure} from './http/transport.ts'
import {describe} from './look.ts'
import {probe} from './probe.ts'
import {refusalFor} from './refusals.ts'
import type {Made} from './state/records.ts'

/** machines of free accounts take up to a minute */
const readyMs = 180_000
const probeMs = 5_000
const cleanUpMs = 30_000

/**
 * Leases a machine. What is asked for is written down before it is asked, under the key that finds it again, so that no crash and no
 * lost answer leaves a machine that nobody knows of. On failure and abort it is released.
 */
export async function createRuntime(colab: Colab, spec: RuntimeSpec, options: CreateOptions): Promise<ProviderRuntime> {
  const {signal, onProgress} = options
  const api = await colab.api(await colab.currentAccount())
  const wish = await wishFor(spec, api.newKey(), () => api.userInfo({signal}))
  signal?.throwIfAborted()
  const startTime = await processStartTime(process.pid)
  const owner = {pid: process.pid, ...(startTime === undefined ? {} : {startTime})}
  const made: Made = {key: wish.key, account: api.account, createdAt: colab.now(), owner}
  await put(colab, made)
  try {
    onProgress?.({message: `asking Colab for ${wish.accelerator === 'NONE' ? 'a machine' : wish.accelerator}`})
    const got = await api.assign(wish, {signal})
    const idle = got.idleTimeoutSeconds
    Object.assign(made, {
      endpoint: got.endpoint, ...(got.name === undefined ? {} : {name: got.name}), ...(idle === undefined ? {} : {idleTimeoutSeconds: idle}),
      last: {accelerator: got.accelerator, variant: got.variant, url: got.proxy?.url ?? ''},
    })
    await put(colab, made)
    signal?.throwIfAborted()
    const other = options.allowDowngrade ? undefined : mismatch(wish, got)
    if (other) throw other
    onProgress?.({message: 'waiting for the machine'})
    const machine = await answering(colab, api, got, signal)
    made.ready = true
    await put(colab, made)
    return describe({assignment: machine, account: api.account, made}, 'ready')
  } catch (error) {
    await undo(colab, api, wish, made, error)
    throw error instanceof AssignRefused ? await refusalFor(api, wish, error, colab.context.nameOf) : error
  }
}

function put(colab: Colab, made: Made): Promise<unknown> {
  return colab.records.update(({made: all, seen}) => ({made: {...all, [made.key]: made}, seen}))
}

/** The machine with its address, once its Jupyter server answers. Throws RUNTIME_NOT_READY (69). */
async function answering(colab: Colab, api: ColabApi, got: Assignment, signal: AbortSignal | undefined): Promise<Assignment> {
  const deadline = colab.effects.uptime() + readyMs
  let proxy = got.proxy
  for (let wait = 200; ; wait = Math.min(wait * 1.5, 3_000)) {
    proxy ??= (await api.proxyToken(got, 8080, {signal})) ?? undefined
    const probed = proxy ? await probe(colab.transport, proxy, probeMs, signal) : 'unreachable'
    if (proxy && probed === 'ready') {
      await colab.tokens.offer([{endpoint: got.endpoint, proxy}])
      return {...got, proxy}
    }
    // it may have been too early for it to be known
    if (probed === 'refused') proxy = undefined
    if (colab.effects.uptime() > deadline) {
      throw errors.network(`Colab's machine did not answer within ${readyMs / 1000} s; it was released`, {
        code: 'RUNTIME_NOT_READY', category: 'capacity', retryable: true, fix: 'try again',
      })
    }
    await colab.effects.sleep(wait, signal)
  }
}

/**
 * Leaves no machine behind. What cannot be released now, or may still come to be, stays written down: `reap` finds it by its key.
 */
async function undo(colab: Colab, api: ColabApi, wish: Wish, made: Made, error: unknown): Promise<void> {
  const signal = AbortSignal.timeout(cleanUpMs)
  const forget = (): Promise<unknown> => colab.records.update(({made: all, seen}) => {
    const {[made.key]: _, ...others} = all
    return {made: others, seen}
  })
  try {
    // 503 is also how a front end answers that lost what stands behind it
    if (error instanceof AssignRefused && error.reason !== 'capacity') return void (await forget())
    if (made.endpoint !== undefined) {
      await api.unassign({endpoint: made.endpoint, ...(made.name === undefined ? {} : {name: made.name})}, {signal})
      await colab.tokens.drop((endpoint) => endpoint === made.endpoint)
      return void (await forget())
    }
    const released = await api.withdraw(wish.key, {signal})
    if (released || isAnswer(error)) await forget()
  } catch (problem) {
    colab.context.trace?.(`a machine may have been left: ${problem instanceof Error ? problem.message : String(problem)}`)
  }
}

/** Colab itself said no: nothing will come of it later. */
function isAnswer(error: unknown): boolean {
  return error instanceof AssignRefused || (isCgpuFailure(error) && (error.category === 'auth' || error.code === 'COLAB_REFUSED'))
}

import type {RuntimeSession, UserKernel} from '@cgpu/core/runtime/session'
import type {KeepRequest, KeptKernel, OwnKernel} from '@cgpu/plugin-sdk'

/** How long a kept kernel may take to answer: what it ran was interrupted. */
const answerMs = 15_000

interface Opened {
  opened: UserKernel
  kept?: OwnKernel['kept']
}

/** The kernel that a plugin works on: a kept one, where it lives and nobody else used it since; else a fresh one. */
export async function openOwn(session: RuntimeSession, spec: string | undefined, {cwd, keep, signal}: {cwd?: string | undefined; keep?: KeepRequest | undefined; signal?: AbortSignal | undefined}): Promise<Opened> {
  const here = ({runtime}: KeptKernel): boolean => runtime === session.record.id
  for (const {kernel} of (keep?.end ?? []).filter(here)) await session.shutdownKernel(kernel)
  const known = (keep?.again ?? []).find(here)
  const found = known && (await reopened(session, known))
  if (found && typeof found === 'object') return {opened: found, kept: 'again'}
  return {opened: await session.freshKernel(spec, {cwd, signal, keep: keep !== undefined}), ...(found ? {kept: found} : {})}
}

/** The kept kernel, or why it cannot be used; then it is ended. */
async function reopened(session: RuntimeSession, {kernel: id, executions}: KeptKernel): Promise<UserKernel | 'gone' | 'used' | 'busy'> {
  const server = await session.server()
  const model = await session.guard(() => server.getKernel(id))
  if (!model || model.execution_state === 'dead') return 'gone'
  const {specs} = await session.guard(() => server.kernelSpecs())
  const language = specs.find(({name}) => name === model.name)?.language.toLowerCase() ?? ''
  if (model.execution_state === 'busy') await session.guard(() => server.interruptKernel(id))
  const opened = await session.attach({id, name: model.name, language}, null).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'KERNEL_DEAD') return undefined
    throw error
  })
  if (!opened) return 'gone'
  const count = await countOf(opened)
  // other kernels than IPython's count in ways of their own
  if (count === null || (language === 'python' && executions !== undefined && !executions.includes(count))) {
    await session.shutdownKernel(id)
    return count === null ? 'busy' : 'used'
  }
  return opened
}

/** How many executions the kernel has seen; -1 where it does not tell, null where it does not answer. */
async function countOf({connection}: UserKernel): Promise<number | null> {
  const request = {code: '', silent: true, store_history: false, user_expressions: {}, allow_stdin: false, stop_on_error: false}
  try {
    const {content} = await connection.request('shell', 'execute_request', request, {timeoutMs: answerMs})
    return typeof content['execution_count'] === 'number' ? content['execution_count'] : -1
  } catch (error) {
    if (connection.state !== 'connected') throw error
    return null
  }
}

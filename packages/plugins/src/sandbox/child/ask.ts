import {CgpuError, errorCategories} from '@cgpu/plugin-sdk/sandbox'
import {type Answer, exchange} from './host.ts'

/** Asks cgpu for something that was granted. Throws what it answers, such as NOT_GRANTED. */
export async function ask<T>(method: string, params: Record<string, unknown> = {}, signal?: AbortSignal): Promise<T> {
  const {result, error} = await exchange(method, params, signal)
  if (error) throw failureOf(error)
  return result as T // the host's answer to this method
}

/** The host's own error, made again. */
function failureOf({message, code = 'COMMAND_FAILED', category, exit = 65, fix, retryable = false, details}: Answer): CgpuError {
  return new CgpuError(message, {code, category: errorCategories.find((one) => one === category) ?? 'plugin', exit, fix, retryable, ...(details ? {details} : {})})
}

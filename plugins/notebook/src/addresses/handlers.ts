import {CgpuError, closest, errors, type FetchPlan, type HookHost, registeredSchemes, sanitizeLine, type SchemeFiles, type SchemeRegistration} from '@cgpu/plugin-sdk'
import {schemeOf, shownAddress} from './address.ts'
import {refusal} from './problems.ts'
import {request} from './request.ts'

const own: Record<string, (host: HookHost | undefined) => Promise<SchemeFiles>> = {
  http: async () => (await import('./web.ts')).web,
  https: async () => (await import('./web.ts')).web,
  gs: async () => (await import('./gs.ts')).gs,
  s3: async () => (await import('./s3.ts')).s3,
  drive: async (host) => (await import('./drive.ts')).driveOf(host),
}
/** cgpu's own of `cgpu cp`: no plugin takes them */
const reserved = ['http', 'https', 'gs', 's3', 'hf', 'kaggle', 'drive']

/** What reads and writes an address: cgpu's own handler, else a plugin's. Throws UNKNOWN_SCHEME (64), SCHEME_CLASH (72). */
export async function handlerOf(address: string, host: HookHost | undefined): Promise<SchemeFiles> {
  const scheme = schemeOf(address)
  if (Object.hasOwn(own, scheme)) return own[scheme]?.(host) ?? {}
  const registered = host ? await registeredSchemes(host, reserved) : []
  const found = registered.find((one) => one.scheme === scheme)
  if (found) return ofPlugin(found)
  const known = [...Object.keys(own), ...registered.map((one) => one.scheme)]
  const near = closest(scheme, known)
  throw errors.usage(`cgpu knows no way to reach ${shownAddress(address)}`, {code: 'UNKNOWN_SCHEME', category: 'file', fix: near === undefined ? `give a path, or an address of ${sanitizeLine(known.join(', '), 200)}` : `did you mean ${near}:?`})
}

/** A plugin that only says how a machine fetches is asked that: what goes by HTTP goes from here too. */
function ofPlugin(registration: SchemeRegistration): SchemeFiles {
  const {read, look, write} = registration
  return guarded({read: read ?? ((address, options) => byPlan(address, registration, options)), look, write})
}

const byPlan = async (address: string, {resolve}: SchemeRegistration, {signal, maxBytes}: {signal: AbortSignal; maxBytes: number}): Promise<{data: Uint8Array}> => {
  const plan: Partial<FetchPlan> = await resolve(address)
  let refused: Error | undefined
  for (const way of plan.ways ?? []) {
    if (!('url' in way)) continue
    const {status, body} = await request({address, url: way.url, headers: way.headers ?? {}, maxBytes, signal})
    if (status === 200) return {data: body}
    refused ??= refusal(address, {status, doing: 'read', signIn: plan.fix ?? 'see the plugin that brings this scheme'})
  }
  throw refused ?? errors.usage(`${shownAddress(address)} cannot be read from here`, {code: 'UNKNOWN_SCHEME', category: 'file', fix: 'fetch it on a machine: cgpu cp ADDRESS NAME:PATH'})
}

/** What a plugin throws is told as it is, with its scheme where it is no error of cgpu's kind. */
function guarded(files: {[K in keyof SchemeFiles]-?: SchemeFiles[K] | undefined}): SchemeFiles {
  const wrap = <A extends unknown[], R>(call: ((...args: A) => Promise<R>) | undefined): ((...args: A) => Promise<R>) | undefined => call && (async (...args) => {
    try {
      return await call(...args)
    } catch (error) {
      if (error instanceof CgpuError) throw error
      const [address] = args as unknown as [string] // the first of each
      throw errors.network(`${shownAddress(address)}: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}`, {code: 'ADDRESS_UNREACHABLE', category: 'plugin', fix: 'see the plugin that brings this scheme', cause: error})
    }
  })
  const {read, look, write} = {read: wrap(files.read), look: wrap(files.look), write: wrap(files.write)}
  return {...(read ? {read} : {}), ...(look ? {look} : {}), ...(write ? {write} : {})}
}

import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {resolveSettings} from '@cgpu/core/config/resolve'
import type {SourceOptions} from '../sources.ts'
import type {Candidate} from '../types.ts'

type Kind = 'gpu' | 'tpu'
interface Known {
  id: string
  kind: string
  name: string
}

/** What an account may have hardly changes; asking for it takes a provider's server. */
const freshMs = 10 * 60_000

/** Those that new runtimes can have. Of what the provider said before, so that only the first completion waits for it. */
export async function accelerators(kind: Kind, asked: string | undefined, options: SourceOptions): Promise<Candidate[]> {
  const {dirs, env, cwd} = options
  const settings = await resolveSettings({env, cwd, configDir: dirs.config, onWarning: () => undefined})
  const provider = asked ?? settings.text('provider') ?? 'local'
  const where = ['account', 'python', 'colab-emulator', 'colab-url', 'colab-api-url', 'colab-public-url', 'colab-dialect'].map((key) => settings.text(key) ?? null)
  // another sign-in is another account
  const signedIn = await stat(join(dirs.config, 'accounts.json')).then(({mtimeMs}) => mtimeMs, () => null)
  const key = JSON.stringify([provider, signedIn, ...where])
  const path = join(dirs.cache, 'completion', `accelerators-${provider.replaceAll(/[^\w-]/g, '_')}.json`)
  const before = await kept(path, key)
  const known = before && Date.now() - before.at < freshMs ? before.known : await ask(options, provider, {path, key}).catch(() => before?.known ?? [])
  return known.filter((one) => one.kind === kind).map(({id, name}) => ({value: id, description: name}))
}

async function kept(path: string, key: string): Promise<{at: number; known: Known[]} | undefined> {
  const value = await readFile(path, 'utf8').then(parseJson).catch(() => undefined)
  if (!isObject(value) || value['key'] !== key || typeof value['at'] !== 'number' || value['at'] > Date.now() || !Array.isArray(value['known'])) return undefined
  const known = value['known'].filter((one): one is Known & Record<string, unknown> => isObject(one) && typeof one['id'] === 'string' && typeof one['kind'] === 'string' && typeof one['name'] === 'string')
  return {at: value['at'], known}
}

async function ask(options: SourceOptions, provider: string, {path, key}: {path: string; key: string}): Promise<Known[]> {
  const {openQuietly} = await import('./direct.ts')
  const known = (await (await openQuietly(options)).runtimes.accelerators(provider)).filter(({available}) => available).map(({id, kind, name}) => ({id, kind, name}))
  const {writeAtomic} = await import('@cgpu/core/state/atomic')
  await writeAtomic(path, JSON.stringify({at: Date.now(), key, known})).catch(() => undefined) // asked again the next time
  return known
}

import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import type {Glimpse, Look} from '@cgpu/core/runtime/look'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {contextOf} from '@cgpu/daemon/client'
import type {SourceOptions} from '../sources.ts'

/** Somebody presses Tab twice, or types on; a file that came since then is found a moment later. */
const freshMs = 10_000
/** looks, the newest */
const most = 16

interface Remembered {
  key: string
  at: number
  found: Glimpse[]
}

/**
 * What a machine said a moment ago, where no daemon has its connection. Nothing is kept for a command that was given a secret, whose
 * answer might be somebody else's; a runtime that came, went or changed makes all of it old.
 */
export async function remembering(options: SourceOptions, look: Look, runtime: string | undefined, ask: () => Promise<Glimpse[]>, now = Date.now()): Promise<Glimpse[]> {
  const {dirs, env, cwd} = options
  const context = contextOf(env, cwd)
  if (!context) return ask()
  const path = join(dirs.cache, 'completion', 'remote.json')
  const changed = await stat(join(dirs.state, 'runtimes')).then(({mtimeMs}) => mtimeMs, () => null)
  // by this way a folder is told whole
  const asked = look.what === 'entries' ? {what: look.what, folder: look.folder} : look
  const key = JSON.stringify([asked, runtime ?? null, changed, context])
  const before = (await rememberedIn(path)).filter(({at}) => at <= now && now - at < freshMs)
  const same = before.find((one) => one.key === key)
  if (same) return same.found
  const found = await ask()
  const {writeAtomic} = await import('@cgpu/core/state/atomic')
  const kept = [{key, at: now, found}, ...before].slice(0, most)
  await writeAtomic(path, JSON.stringify(kept), {mode: 0o600}).catch(() => undefined) // asked again the next time
  return found
}

async function rememberedIn(path: string): Promise<Remembered[]> {
  const value = await readFile(path, 'utf8').then(parseJson).catch(() => undefined)
  return Array.isArray(value) ? value.filter(isRemembered) : []
}

function isRemembered(value: unknown): value is Remembered {
  return isObject(value) && typeof value['key'] === 'string' && typeof value['at'] === 'number' && Array.isArray(value['found'])
    && value['found'].every((one) => isObject(one) && typeof one['value'] === 'string' && ['string', 'undefined'].includes(typeof one['description']))
}

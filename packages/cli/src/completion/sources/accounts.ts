import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {resolveSettings} from '@cgpu/core/config/resolve'
import {googleHosts} from '@cgpu/core/google/hosts'
import {isObject, parseJson} from '@cgpu/core/state/json'
import type {SourceOptions} from '../sources.ts'
import type {Candidate} from '../types.ts'

/** Who is signed in at the hosts that count here. Read without @cgpu/accounts, which takes 100 ms to load; nobody is asked anything. */
export async function accounts({dirs, env, cwd}: SourceOptions): Promise<Candidate[]> {
  const [settings, file] = await Promise.all([
    resolveSettings({env, cwd, configDir: dirs.config, onWarning: () => undefined}),
    readFile(join(dirs.config, 'accounts.json'), 'utf8').then(parseJson).catch(() => undefined),
  ])
  const realm = new URL(googleHosts((key) => settings.text(key)).token).origin
  const listed = isObject(file) && Array.isArray(file['accounts']) ? file['accounts'] : []
  return listed.flatMap((one: unknown) => {
    if (!isObject(one) || one['realm'] !== realm || typeof one['email'] !== 'string') return []
    const about = [one['name'], one['kind']].find((text) => typeof text === 'string')
    return [{value: one['email'], description: about}]
  })
}

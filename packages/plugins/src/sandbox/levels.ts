import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'

/** How an untrusted plugin is to be run. */
export interface SandboxTerms {
  /** the user runs it also where its network access cannot be denied */
  acceptsNetwork: boolean
  /** the version that was agreed to, '' for none; what follows was granted to it */
  version: string
  runsCode: boolean
  managesRuntimes: boolean
}

/** Of whom nothing was agreed to. */
export const noTerms: SandboxTerms = {acceptsNetwork: false, version: '', runsCode: false, managesRuntimes: false}

/**
 * Which of the plugins must not be imported into this process, read without zod before any plugin is loaded. Nobody who is not in the
 * file is untrusted; who is in it is, unless it plainly says `trusted`: what cannot be understood was not agreed to. A file that
 * cannot be read makes all of them untrusted.
 */
export function untrustedAmong(dataDir: string, names: readonly string[]): Map<string, SandboxTerms> {
  const all = () => new Map(names.map(name => [name, noTerms]))
  let plugins: unknown
  try {
    const file = parseJson(readFileSync(join(dataDir, 'plugin-trust.json'), 'utf8'))
    plugins = isObject(file) ? file['plugins'] : undefined
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? new Map() : all()
  }
  if (!isObject(plugins)) return all()
  const found = new Map<string, SandboxTerms>()
  for (const name of names) {
    if (!Object.hasOwn(plugins, name)) continue
    const trust = plugins[name]
    if (isObject(trust) && trust['level'] === 'trusted') continue
    found.set(name, isObject(trust) ? termsOf(trust) : noTerms)
  }
  return found
}

function termsOf({acceptsNetwork, version, granted}: JsonObject): SandboxTerms {
  const all = (Array.isArray(granted) ? granted : []).filter(isObject)
  return {
    acceptsNetwork: acceptsNetwork === true, version: typeof version === 'string' ? version : '',
    runsCode: all.some(({use}) => use === 'kernel'), managesRuntimes: all.some(({use, access}) => use === 'runtimes' && access === 'manage'),
  }
}

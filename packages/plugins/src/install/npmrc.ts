import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {shownAddress} from './shown-address.ts'

/** Where packages come from. */
export interface RegistryConfig {
  /** ends with a slash */
  registry: string
  /** `@scope` -> its registry */
  scopes: Map<string, string>
  /** The Authorization header for an address, if it lies below one that has a token. */
  authorization: (url: string) => string | undefined
  /** set where somebody chose one for cgpu; npm is told then */
  chosen: boolean
}

const fallback = 'https://registry.npmjs.org/'

/** Whether it can be asked at all. */
export const isWebAddress = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)

/** Throws REGISTRY_INVALID (64). */
export function checkRegistry(url: string): string {
  if (isWebAddress(url)) return url
  throw errors.usage(`the address of the registry is none: ${shownAddress(url)}`, {code: 'REGISTRY_INVALID', category: 'plugin', fix: 'give one such as https://registry.npmjs.org/ by --registry, CGPU_NPM_REGISTRY or the registry of ~/.npmrc'})
}

const slashed = (url: string): string => (url.endsWith('/') ? url : `${url}/`)

/**
 * `--registry` before CGPU_NPM_REGISTRY, npm's own variables, the user's .npmrc, and npm's public registry. A project's .npmrc is
 * not read: it belongs to whoever wrote the folder one stands in. Throws REGISTRY_INVALID (64) for one that was chosen for cgpu: npm's settings may
 * be wrong where nobody needs them.
 */
export function registryConfig(env: NodeJS.ProcessEnv, flag?: string): RegistryConfig {
  const rc = readNpmrc(env['npm_config_userconfig'] ?? env['NPM_CONFIG_USERCONFIG'] ?? join(env['HOME'] ?? env['USERPROFILE'] ?? '', '.npmrc'), env)
  const chosen = flag ?? env['CGPU_NPM_REGISTRY']
  const registry = slashed((chosen && checkRegistry(chosen)) || env['npm_config_registry'] || env['NPM_CONFIG_REGISTRY'] || rc.get('registry') || fallback)
  // who names a registry means it for every package
  const scopes = new Map(chosen ? [] : [...rc].flatMap(([key, value]) => (key.startsWith('@') && key.endsWith(':registry') ? [[key.slice(0, -':registry'.length), slashed(value)] as const] : [])))
  const tokens = [...rc].flatMap(([key, value]) => {
    const [, prefix, kind] = /^(\/\/.+?):(_authToken|_auth)$/.exec(key) ?? []
    return prefix === undefined ? [] : [{prefix: slashed(prefix), header: `${kind === '_auth' ? 'Basic' : 'Bearer'} ${value}`}]
  }).toSorted((a, b) => b.prefix.length - a.prefix.length)
  return {
    registry, scopes, chosen: Boolean(chosen),
    authorization: (url) => {
      const {host, pathname} = new URL(url)
      return tokens.find(({prefix}) => `//${host}${pathname}`.startsWith(prefix))?.header
    },
  }
}

function readNpmrc(path: string, env: NodeJS.ProcessEnv): Map<string, string> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return new Map() // there is none, or it is somebody else's
  }
  return new Map(text.split(/\r?\n/).flatMap((line) => {
    const [, key, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key === undefined || value === undefined) return []
    return [[key, value.replace(/^"(.*)"$/, '$1').replaceAll(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '')] as const]
  }))
}

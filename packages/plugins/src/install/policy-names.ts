import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'

/** Where policies lie: the machine's, the one that a variable names, the user's. All of them hold. */
export const policyPaths = (configDir: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string[] => [
  platform === 'win32' ? join(env['ProgramData'] ?? 'C:\\ProgramData', 'cgpu', 'plugin-policy.json') : '/etc/cgpu/plugin-policy.json',
  ...(env['CGPU_PLUGIN_POLICY'] ? [env['CGPU_PLUGIN_POLICY']] : []), join(configDir, 'plugin-policy.json'),
]

const isNames = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === 'string')

/** `@scope/*`, `*`, or a name. */
export const matches = (patterns: readonly string[], name: string): boolean => patterns.some((one) => one === '*' || one === name || (one.endsWith('/*') && name.startsWith(one.slice(0, -1))))

/**
 * Whether a policy forbids a plugin that is installed, by its name and level: what every start asks. A policy that cannot be read
 * forbids all.
 */
export function forbidden(configDir: string, env: NodeJS.ProcessEnv): (name: string, trusted: boolean) => string | undefined {
  const policies = policyPaths(configDir, env).flatMap((path) => {
    try {
      const value = parseJson(readFileSync(path, 'utf8'))
      return [{path, rules: isObject(value) ? value : undefined}]
    } catch (error) {
      return errnoOf(error) === 'ENOENT' ? [] : [{path, rules: undefined}]
    }
  })
  const list = (value: unknown): string[] => (isNames(value) ? value : ['*']) // what is no list of names denies all
  return (name, trusted) => {
    for (const {path, rules} of policies) {
      if (!rules) return `${path} cannot be read`
      const {deny = [], allow, allowTrust} = rules
      if (matches(list(deny), name)) return `${path} denies it`
      if (allow !== undefined && !(Array.isArray(allow) && matches(list(allow), name))) return `${path} does not allow it`
      if (trusted && allowTrust === false) return `${path} lets no plugin run in cgpu's own process`
    }
    return undefined
  }
}

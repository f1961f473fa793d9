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
const isText = (value: unknown): boolean => typeof value === 'string'
const isSwitch = (value: unknown): boolean => typeof value === 'boolean'

/** What policy.ts understands, in what a start has time for: one that the other refuses must not be one without rules here. */
const understood: Record<string, (value: unknown) => boolean> = {
  version: (value) => value === 1, allow: isNames, deny: isNames, requireSignature: isSwitch, requireProvenance: isSwitch, trustedRoot: isText,
  minimumAgeDays: (value) => typeof value === 'number' && value >= 0, sources: (value) => isNames(value) && value.every((one) => ['registry', 'tarball', 'git', 'link'].includes(one)),
  allowTrust: isSwitch, index: (value) => isObject(value) && Object.keys(value).length === 2 && isText(value['from']) && isText(value['key']),
}

interface Rules {
  allow?: string[]
  deny?: string[]
  allowTrust?: boolean
}

const isPolicy = (value: unknown): value is Rules => isObject(value) && 'version' in value && Object.entries(value).every(([key, rule]) => Object.hasOwn(understood, key) && understood[key]?.(rule))

/** `@scope/*`, `*`, or a name. */
export const matches = (patterns: readonly string[], name: string): boolean => patterns.some((one) => one === '*' || one === name || (one.endsWith('/*') && name.startsWith(one.slice(0, -1))))

/**
 * Whether a policy forbids a plugin that is installed, by its name and level: what every start asks. A policy that cannot be read or
 * understood forbids all, as does one that a variable names and that is not there.
 */
export function forbidden(configDir: string, env: NodeJS.ProcessEnv): (name: string, trusted: boolean) => string | undefined {
  const policies = policyPaths(configDir, env).flatMap((path): {path: string; rules: Rules | string}[] => {
    try {
      const value = parseJson(readFileSync(path, 'utf8'))
      return [{path, rules: isPolicy(value) ? value : 'cannot be understood'}]
    } catch (error) {
      return errnoOf(error) === 'ENOENT' && path !== env['CGPU_PLUGIN_POLICY'] ? [] : [{path, rules: 'cannot be read'}]
    }
  })
  return (name, trusted) => {
    for (const {path, rules} of policies) {
      if (typeof rules === 'string') return `${path} ${rules}`
      const {deny = [], allow, allowTrust} = rules
      if (matches(deny, name)) return `${path} denies it`
      if (allow !== undefined && !matches(allow, name)) return `${path} does not allow it`
      if (trusted && allowTrust === false) return `${path} lets no plugin run in cgpu's own process`
    }
    return undefined
  }
}

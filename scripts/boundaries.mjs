// The dependency rules of docs/architecture.md, read off the imports themselves.
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {isBuiltin} from 'node:module'
import {join, relative} from 'node:path'

/** What each package may import of ours, and of others. `lazy`: only by `await import()`. */
const rules = {
  'packages/jupyter': {ours: [], others: ['ws', 'zod', 'zod/mini']},
  'packages/runtime-agent': {ours: [], others: []},
  'packages/core': {ours: ['@cgpu/jupyter', '@cgpu/runtime-agent'], others: ['zod', 'yaml', 'smol-toml'], lazy: ['croner', 'ignore']},
  'packages/provider-local': {ours: ['@cgpu/core', '@cgpu/jupyter'], others: ['zod']},
  'packages/provider-jupyter': {ours: ['@cgpu/core', '@cgpu/jupyter'], others: ['zod']},
  'packages/provider-colab': {ours: ['@cgpu/core', '@cgpu/jupyter'], others: ['zod', 'zod/mini']},
  'packages/accounts': {ours: ['@cgpu/core', '@cgpu/jupyter/proxy'], others: ['zod', 'zod/mini'], lazy: ['@napi-rs/keyring', 'google-auth-library', 'open', 'openid-client']},
  'packages/daemon': {ours: ['@cgpu/core'], others: ['@noble/hashes/*']},
  'packages/plugins': {ours: ['@cgpu/core', '@cgpu/jupyter/proxy', '@cgpu/plugin-sdk/sandbox'], others: ['semver', 'zod'], lazy: ['@sigstore/bundle', '@sigstore/protobuf-specs', '@sigstore/tuf', '@sigstore/verify']},
  'packages/updater': {ours: ['@cgpu/core', '@cgpu/jupyter/proxy'], others: ['zod']},
  'packages/emulator': {ours: ['@cgpu/core', '@cgpu/provider-local'], others: ['@hono/node-server', 'hono', 'hono/*', 'ws', 'yaml', 'zod']},
  'packages/plugin-sdk': {ours: ['@cgpu/core'], others: ['@oclif/core/*']},
  'packages/cli': {
    ours: ['@cgpu/core', '@cgpu/daemon/client', '@cgpu/jupyter', '@cgpu/plugin-sdk', '@cgpu/plugins/install/plugin-index', '@cgpu/plugins/install/policy-names'],
    others: ['@oclif/core/*', 'zod'],
    lazy: ['@cgpu/accounts', '@cgpu/daemon', '@cgpu/plugins', '@cgpu/provider-colab', '@cgpu/provider-local', '@cgpu/provider-jupyter', '@cgpu/updater'],
  },
  // the emulator is a library of its own, published beside the plugin
  'plugins/emulator': {ours: ['@cgpu/plugin-sdk', '@cgpu/emulator'], others: '*'},
  plugins: {ours: ['@cgpu/plugin-sdk'], others: '*', but: ['plugins/emulator']},
}

const importPattern = /(?:^|\n)\s*(?:import|export)\s(?:[^'"\n;]*?\sfrom\s)?['"]([^'"]+)['"]|(?<lazy>import)\(\s*['"]([^'"]+)['"]\s*\)/g

function files(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, {recursive: true})
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !/(^|[\\/])(node_modules|dist)[\\/]/.test(name))
    .map((name) => join(folder, name))
}

const matches = (list, specifier) =>
  list === '*' || list.some((one) => specifier === one || (one.endsWith('/*') ? specifier.startsWith(one.slice(0, -1)) : one.startsWith('@cgpu/') && specifier.startsWith(`${one}/`)))

/** Lines of `file: what is wrong`, empty when every rule holds. */
export function boundaryProblems(root) {
  const problems = []
  for (const [area, rule] of Object.entries(rules)) {
    for (const file of files(join(root, area === 'plugins' ? 'plugins' : `${area}/src`))) {
      if (rule.but?.some((one) => relative(root, file).startsWith(`${one}/`))) continue
      for (const match of readFileSync(file, 'utf8').matchAll(importPattern)) {
        const specifier = match[1] ?? match[3]
        // types are gone when the code runs
      const lazy = match.groups?.lazy !== undefined || /^\s*import type\s/.test(match[0])
        if (specifier.startsWith('.') || isBuiltin(specifier)) continue
        const allowed = specifier.startsWith('@cgpu/') ? matches(rule.ours, specifier) : matches(rule.others, specifier)
        if (allowed || (lazy && rule.lazy && matches(rule.lazy, specifier))) continue
        const own = specifier.startsWith('@cgpu/') && area !== 'plugins' && specifier.startsWith(`@cgpu/${area.split('/')[1]}`)
        problems.push(`${relative(root, file)}: imports ${specifier}, which ${own ? 'is itself' : `${area} may not`}${rule.lazy && matches(rule.lazy, specifier) ? ' (only by await import())' : ''}`)
      }
    }
  }
  return problems
}

import {Plugin} from '@oclif/core/config'
import {settings} from '@oclif/core/settings'

/** Objects with their keys in order, so that neither the order of files nor of statics shows. Order matters in args. */
function ordered(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => [name, ordered(item, name)])
  return Object.fromEntries(key === 'args' ? entries : entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

/**
 * The text of a plugin's oclif.manifest.json, made from its compiled commands: they are loaded into this process. Same commands in,
 * same bytes out. Throws where it has no package.json, or a command cannot be loaded.
 */
export async function manifestText(root: string): Promise<string> {
  // oclif would look for a transpiler in its folder
  settings.enableAutoTranspile = false
  const plugin = new Plugin({errorOnManifestCreate: true, ignoreManifest: true, respectNoCacheDefault: true, root, type: 'core'})
  await plugin.load()
  return `${JSON.stringify(ordered(plugin.manifest), null, 1)}\n`
}

// The text of oclif.manifest.json, of the CLI and of each plugin that comes with it: startup depends on it, so it is committed, and CI checks that it is current (generated.mjs).
// Same commands in, same bytes out.
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {Plugin} from '@oclif/core/config'

const home = fileURLToPath(new URL('..', import.meta.url))

/** Folders, relative to the repository's, of what has a manifest: the CLI first. */
export const manifestFolders = ['', 'plugins/emulator', 'plugins/notebook']

/** Objects with their keys in order, so that neither the order of files nor of statics shows. Order matters in args. */
function ordered(value, key) {
  if (Array.isArray(value)) return value.map((item) => ordered(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => [name, ordered(item, name)])
  return Object.fromEntries(key === 'args' ? entries : entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

/** The manifest's text, made from the compiled commands of this folder. */
export async function manifestText(folder = '') {
  const root = join(home, folder)
  const plugin = new Plugin({errorOnManifestCreate: true, ignoreManifest: true, respectNoCacheDefault: true, root, type: 'core'})
  await plugin.load()
  return `${JSON.stringify(ordered(plugin.manifest), null, 1)}\n`
}

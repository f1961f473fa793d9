import {errors} from '@cgpu/plugin-sdk'
import type {InstalledPlugin} from '@cgpu/plugins/install'

/** Whether a plugin's files are those that were installed. A linked folder is its author's to change. */
export async function isUntouched({source, root, digest}: InstalledPlugin): Promise<boolean> {
  if (source === 'link') return true
  const {treeDigest} = await import('@cgpu/plugins/install')
  // its folder holds what it depends on beside the package
  return (await treeDigest(root.replace(/[\\/]package$/, '')).catch(() => undefined)) === digest
}

/** Throws PLUGIN_TAMPERED (65). */
export async function checkUntouched(plugin: InstalledPlugin): Promise<void> {
  if (await isUntouched(plugin)) return
  throw errors.data(`the files of ${plugin.name} are not those that were installed`, {code: 'PLUGIN_TAMPERED', category: 'plugin', fix: `cgpu plugins uninstall ${plugin.name}, and install it again`})
}

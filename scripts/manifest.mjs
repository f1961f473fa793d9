// The text of oclif.manifest.json, of the CLI and of each plugin that comes with it: startup depends on it, so it is committed, and CI checks that it is current (generated.mjs).
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))

/** Folders, relative to the repository's, of what has a manifest: the CLI first. */
export const manifestFolders = ['', 'plugins/emulator', 'plugins/notebook']

/** The manifest's text, made from the compiled commands of this folder, as `cgpu plugins manifest` makes it for any plugin. */
export async function manifestText(folder = '') {
  const {manifestText: textOf} = await import('../packages/cli/dist/plugins/manifest.js')
  return textOf(join(home, folder))
}

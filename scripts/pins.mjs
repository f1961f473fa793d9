// Describes the plugins that a slim cgpu fetches at their first use, so that help and completion know their commands before. Run after the manifests.
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {root} from './bundling.mjs'

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** name -> {folder, pjson, manifest} of each plugin in `cgpu.jitPlugins`. */
export function pinnedPlugins() {
  const names = Object.keys(readJson(join(root, 'package.json')).cgpu.jitPlugins)
  return Object.fromEntries(names.map((name) => {
    const folder = join(root, 'node_modules', name)
    return [name, {folder, pjson: readJson(join(folder, 'package.json')), manifest: readJson(join(folder, 'oclif.manifest.json'))}]
  }))
}

/** Writes packages/cli/dist/pinned.json. */
export function describePins() {
  const all = Object.entries(pinnedPlugins()).map(([name, {pjson, manifest}]) => [name, {topics: pjson.oclif.topics ?? {}, commands: manifest.commands}])
  writeFileSync(join(root, 'packages/cli/dist/pinned.json'), JSON.stringify(Object.fromEntries(all)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) describePins()

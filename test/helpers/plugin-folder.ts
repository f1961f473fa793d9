import {mkdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {pluginPackage, type PluginPackage} from './plugin-package.ts'

/** Writes a plugin as its author has it. */
export function writePlugin(folder: string, plugin: PluginPackage): void {
  const {name, version, files = {}, pjson} = pluginPackage(plugin)
  for (const [path, text] of Object.entries({'package.json': JSON.stringify({name, version, ...pjson}), 'README.md': '# it\n', ...files})) {
    mkdirSync(dirname(join(folder, path)), {recursive: true})
    writeFileSync(join(folder, path), text)
  }
}

import {readFile} from 'node:fs/promises'
import {join, relative, resolve} from 'node:path'
import {string} from '@oclif/core/args'
import {errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import {PluginsCommand} from '../../plugins-command.ts'

export interface WrittenManifest {
  /** absolute */
  file: string
  /** of its commands, with spaces */
  commands: string[]
}

/** Writes a plugin's oclif.manifest.json. */
export default class PluginsManifest extends PluginsCommand<WrittenManifest> {
  static override args = {folder: string({default: '.', description: 'its folder'})}
  static override description = 'Describes the commands of the plugin in a folder, as they were compiled, in its oclif.manifest.json. cgpu knows a plugin that is not trusted by that file alone, so it has to be published. The plugin\'s own build calls this; its commands are loaded for it.'
  static override examples = [{command: '<%= config.bin %> plugins manifest', description: 'of the plugin in this folder'}]
  static override seeAlso = ['plugins create', 'plugins publish']
  static override summary = 'describe a plugin\'s commands in its manifest'

  async run(): Promise<WrittenManifest> {
    const {args} = await this.parse(PluginsManifest)
    const folder = resolve(args.folder)
    await checkIsPlugin(folder)
    const {manifestText} = await import('../../plugins/manifest.ts')
    const text = await manifestText(folder).catch((error: unknown) => {
      const why = sanitizeLine(error instanceof Error ? error.message : String(error), 300)
      throw errors.data(`its commands cannot be loaded: ${why}`, {code: 'PLUGIN_BROKEN', category: 'plugin', fix: 'build it first; then correct what is said', cause: error})
    })
    const file = join(folder, 'oclif.manifest.json')
    await writeAtomic(file, text, {mode: 0o644})
    const {commands} = JSON.parse(text) as {commands: Record<string, object>} // written by us
    const names = Object.keys(commands).map((id) => id.replaceAll(':', ' '))
    this.log(`${relative(process.cwd(), file)}: ${names.length === 0 ? 'no commands' : names.join(', ')}`)
    return {file, commands: names}
  }
}

async function checkIsPlugin(folder: string): Promise<void> {
  const pjson = await readFile(join(folder, 'package.json'), 'utf8').then(parseJson).catch(() => undefined)
  if (!isObject(pjson) || !isObject(pjson['oclif'])) throw errors.data(`${sanitizeLine(folder)} holds no plugin: its package.json has no "oclif"`, {code: 'PLUGIN_NOT_ONE', category: 'plugin', fix: 'give the folder of a plugin, or make one: cgpu plugins create hello'})
}

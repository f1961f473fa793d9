import {lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile} from 'node:fs/promises'
import {basename, dirname, join, resolve} from 'node:path'
import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {cannotWrite} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import {readCommands} from '../../completion/commands.ts'
import {scaffold} from '../../plugins/scaffold.ts'

export interface CreatedPlugin {
  name: string
  /** absolute */
  folder: string
  files: string[]
}

/** Writes a plugin to begin with. */
export default class PluginsCreate extends CgpuCommand<CreatedPlugin> {
  static override args = {name: stringArg({description: 'a word for its commands (hello), or the name of its package (@me/cgpu-hello)', required: true})}
  static override description = 'Makes a folder with a plugin that builds and passes its tests as it is: a command, a hook, tests that run cgpu in a home of their own, a CI file, a readme and a licence. How to go on is in docs/plugins.md.'
  static override examples = [
    {command: '<%= config.bin %> plugins create hello', description: 'the plugin cgpu-plugin-hello, in a folder of that name'},
    {command: '<%= config.bin %> plugins create @me/cgpu-notify --directory notify', description: 'with a package name of its own, elsewhere'},
  ]
  static override flags = withEnv({directory: string({summary: 'the folder to make; default: named after the package', helpValue: 'DIR'})})
  static override standalone = true
  static override summary = 'write a plugin to begin with'

  async run(): Promise<CreatedPlugin> {
    const {args, flags} = await this.parse(PluginsCreate)
    const {name, topic} = namesOf(args.name)
    const {version, root, dataDir} = this.config
    if ((await readCommands(root, dataDir)).some((one) => one.name.split(' ')[0] === topic)) {
      throw errors.usage(`cgpu has commands of its own under "${topic}"`, {code: 'NAME_TAKEN', category: 'plugin', fix: 'choose another name'})
    }
    const folder = resolve(flags.directory ?? basename(name))
    const files = scaffold({name, topic, version, year: new Date().getFullYear()})
    await writeWhole(folder, files)
    for (const file of Object.keys(files)) this.log(join(flags.directory ?? basename(name), file))
    this.notice(`go on there: npm install, npm test, cgpu plugins link .`)
    return {name, folder, files: Object.keys(files)}
  }
}

function namesOf(given: string): {name: string; topic: string} {
  const [, scope = '', word = ''] = /^(@[a-z0-9][a-z0-9._-]*\/)?([a-z0-9][a-z0-9-]*)$/.exec(given) ?? []
  const topic = word.replace(/^cgpu-(plugin-)?/, '').replace(/^plugin-/, '')
  if (!/^[a-z][a-z0-9-]*$/.test(topic) || word.length > 100) throw errors.usage(`a plugin cannot be called "${sanitizeLine(given, 80)}"`, {code: 'INVALID_NAME', category: 'plugin', fix: 'lower case letters, digits and hyphens, beginning with a letter: cgpu plugins create hello'})
  return {name: scope !== '' || word !== topic ? `${scope}${word}` : `cgpu-plugin-${topic}`, topic}
}

/** All of it or nothing: made beside its place, then moved there. An empty folder that is there gives way. Throws CANNOT_WRITE (73). */
async function writeWhole(folder: string, files: Record<string, string>): Promise<void> {
  // a file in its place is there, too
  if ((await readdir(folder).catch(() => lstat(folder).then(() => [folder], () => []))).length > 0) {
    throw errors.conflict(`${sanitizeLine(folder)} is there already`, {code: 'FILE_EXISTS', category: 'file', fix: 'give another folder: --directory DIR'})
  }
  const failed = (error: unknown): never => {
    throw cannotWrite(folder, error)
  }
  await mkdir(dirname(folder), {recursive: true}).catch(failed)
  const made = await mkdtemp(join(dirname(folder), '.cgpu-plugin-')).catch(failed)
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(made, path)), {recursive: true})
      await writeFile(join(made, path), text)
    }
    await rmdir(folder).catch(() => undefined)
    await rename(made, folder)
  } catch (error) {
    await rm(made, {recursive: true, force: true})
    failed(error)
  }
}

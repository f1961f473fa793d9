import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag, withFix} from '../../files-command.ts'

/** Makes folders on a runtime. */
export default class FsMkdir extends FilesCommand<{path: string}[]> {
  static override examples = [{command: '<%= config.bin %> fs mkdir -p trainer:runs/one', description: 'a folder, and the one above it'}]
  static override flags = {...filesRuntimeFlag, ...withEnv({parents: boolean({char: 'p', summary: 'make those above it too; it is no error when it is there'})})}
  static override seeAlso = ['fs ls', 'fs rm']
  static override strict = false
  static override summary = 'make folders on a runtime'
  static override usage = 'fs mkdir [-p] NAME:PATH…'

  async run(): Promise<{path: string}[]> {
    const {argv, flags} = await this.parse(FsMkdir)
    return this.withFiles(flags, this.several(argv, 'folder'), async ({files, paths, signal}) => {
      for (const path of paths) {
        await files.mkdir(path, {parents: flags.parents, signal}).catch((error: unknown) => {
          throw withFix(error, {EXISTS: flags.parents ? 'choose another name: a file is there' : 'choose another name, or give -p if it may be there', NOT_FOUND: 'give -p to make the folders above it too'})
        })
      }
      return paths.map((path) => ({path}))
    })
  }
}

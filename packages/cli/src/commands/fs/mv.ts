import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag, withFix} from '../../files-command.ts'

interface Moved {
  from: string
  /** absolute, on the runtime */
  to: string
}

/** Renames and moves files on a runtime. */
export default class FsMv extends FilesCommand<Moved[]> {
  static override description = 'Into a folder that is there, else to that name. A file that is there is replaced with --force only, a folder never. To another disk of the machine files are copied whole before the old ones go. Patterns are matched on the runtime: put them in quotes.'
  static override examples = [{command: '<%= config.bin %> fs mv trainer:draft.md trainer:final.md', description: 'give a file another name'}]
  static override flags = {...filesRuntimeFlag, ...withEnv({force: boolean({char: 'f', summary: 'replace a file that is there'})})}
  static override seeAlso = ['fs ls', 'fs rm', 'cp']
  static override strict = false
  static override summary = 'rename and move files on a runtime'
  static override usage = 'fs mv NAME:PATH… NAME:PATH'

  async run(): Promise<Moved[]> {
    const {argv, flags} = await this.parse(FsMv)
    const given = this.several(argv, 'file')
    if (given.length < 2) throw errors.usage('move it where?', {code: 'PATH_REQUIRED', category: 'file', fix: 'cgpu fs mv NAME:OLD NAME:NEW'})
    return this.withFiles(flags, given, async (there) => {
      const {files, paths, signal} = there
      const target = paths.at(-1) ?? '.'
      const sources = await this.expanded({...there, paths: paths.slice(0, -1)})
      const moved: Moved[] = []
      for (const source of sources) {
        const to = await files.move(source, target, {force: flags.force, into: sources.length > 1, signal}).catch((error: unknown) => {
          if (moved.length > 0) this.warn(`${moved.length} of ${sources.length} were moved before this failed`)
          throw withFix(error, {EXISTS: flags.force ? 'choose another name' : 'choose another name, or give --force to replace a file', NOT_DIRECTORY: 'give a folder that is there; cgpu fs mkdir makes one'})
        })
        moved.push({from: source.path, to})
        this.notice(`${sanitizeLine(source.path)} is now ${sanitizeLine(to)}`)
      }
      return moved
    })
  }
}

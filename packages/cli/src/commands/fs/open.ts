import {chmod} from 'node:fs/promises'
import {string as stringArg} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {openFile, isProgramFile} from '../../fs/opener.ts'
import {privateCopy} from '../../fs/private-copy.ts'
import {FilesCommand, filesRuntimeFlag, readingFile} from '../../files-command.ts'
import {Progress} from '../../render/progress.ts'

interface Opened {
  /** of the copy here */
  path: string
  size: number
  opened: boolean
}

/** Opens a file of a runtime with this system's program. */
export default class FsOpen extends FilesCommand<Opened> {
  static override args = {path: stringArg({description: 'NAME:PATH on a runtime', required: true})}
  static override description = 'Fetches it into a private folder first, and prints the copy\'s path; the copy stays. What would run when it is opened is fetched only. Changes to the copy stay here: see cgpu fs edit.'
  static override examples = [{command: '<%= config.bin %> fs open trainer:plot.png', description: 'with the system\'s image viewer'}]
  static override flags = {...filesRuntimeFlag, ...withEnv({'print-path': boolean({summary: 'fetch it and print the path, without opening it'})})}
  static override seeAlso = ['fs edit', 'cp']
  static override summary = 'open a file of a runtime on this machine'

  async run(): Promise<Opened> {
    const {args, flags} = await this.parse(FsOpen)
    return this.withFiles(flags, [args.path], async ({agent, name, paths: [path = '.'], signal}) => {
      const copy = await privateCopy(path)
      const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
      let size: number
      try {
        size = (await readingFile(agent.download(path, copy.path, {signal, onProgress: (done, total) => progress.show({message: 'fetching', done, total})}), path, name)).size
        await chmod(copy.path, 0o600)
      } catch (error) {
        await copy.remove()
        throw error
      } finally {
        progress.done()
      }
      const runs = isProgramFile(copy.path)
      const opened = !flags['print-path'] && !runs && (await openFile(copy.path))
      if (!opened && !flags['print-path']) this.notice(runs ? 'it is a program, and was not opened' : 'no program to open it was found here')
      this.log(copy.path)
      return {path: copy.path, size, opened}
    })
  }
}

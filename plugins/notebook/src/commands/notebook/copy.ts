import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {inert, withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

/** Copies a notebook within Drive. */
export default class NotebookCopy extends DriveCommand<DriveNotebook> {
  static override aliases = ['nb:copy']
  static override args = {
    notebook: stringArg({description: refDescription, required: true}),
    name: stringArg({description: 'the name of the copy; .ipynb is added; default: "Copy of" and its name', required: false}),
  }
  static override description = `The copy is yours, also of a notebook that somebody else shares with you.

Exit status: 0; ${driveStatuses}.`
  static override examples = [{command: '<%= config.bin %> notebook copy train train-2', description: 'beside it, as train-2.ipynb'}]
  static override flags = {...driveFlags, ...withEnv({folder: string({summary: 'the folder that it goes to; default: the same', helpValue: 'FOLDER'})})}
  static override seeAlso = ['notebook rename', 'notebook get']
  static override summary = 'copy a notebook within Drive'

  async run(): Promise<DriveNotebook> {
    const {args, flags} = await this.parse(NotebookCopy)
    const drive = await this.drive(flags, 'write')
    const [{findFolder, findNotebook}, {withEnding}] = await Promise.all([import('../../drive/find.ts'), import('../../drive/files.ts')])
    const {id, name} = await findNotebook(drive, args.notebook)
    const folder = flags.folder === undefined ? undefined : await findFolder(drive, flags.folder) ?? 'root'
    const copy = await drive.copy(id, {name: withEnding(args.name ?? `Copy of ${name}`), folder})
    const view = this.view(drive, copy)
    this.log(view.link)
    this.notice(inert(copy.name))
    return view
  }
}

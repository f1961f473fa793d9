import {string as stringArg} from '@oclif/core/args'
import {inert} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

/** Brings a notebook back from Drive's trash. */
export default class NotebookRestore extends DriveCommand<DriveNotebook> {
  static override aliases = ['nb:restore']
  static override args = {notebook: stringArg({description: refDescription, required: true})}
  static override description = `Exit status: 0; ${driveStatuses}.`
  static override examples = [{command: '<%= config.bin %> notebook restore old', description: 'take old.ipynb out of the trash'}]
  static override flags = driveFlags
  static override seeAlso = ['notebook trash', 'notebook list']
  static override summary = 'bring a notebook back from the trash of Drive'

  async run(): Promise<DriveNotebook> {
    const {args, flags} = await this.parse(NotebookRestore)
    const drive = await this.drive(flags, 'write')
    const {findNotebook} = await import('../../drive/find.ts')
    const {id} = await findNotebook(drive, args.notebook, {trashed: 'only'})
    const file = await drive.update(id, {trashed: false})
    this.notice(`${inert(file.name)} is back`)
    return this.view(drive, file)
  }
}

import {string as stringArg} from '@oclif/core/args'
import {inert} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

/** Puts a notebook into Drive's trash. */
export default class NotebookTrash extends DriveCommand<DriveNotebook> {
  static override aliases = ['nb:trash']
  static override args = {notebook: stringArg({description: refDescription, required: true})}
  static override description = `Drive deletes what has been in the trash for 30 days; until then "notebook restore" brings it back.

Exit status: 0; ${driveStatuses}.`
  static override examples = [{command: '<%= config.bin %> notebook trash old', description: 'put old.ipynb into the trash'}]
  static override flags = driveFlags
  static override seeAlso = ['notebook restore', 'notebook delete']
  static override summary = 'put a notebook into the trash of Drive'

  async run(): Promise<DriveNotebook> {
    const {args, flags} = await this.parse(NotebookTrash)
    const drive = await this.drive(flags, 'write')
    const {findNotebook} = await import('../../drive/find.ts')
    const {id} = await findNotebook(drive, args.notebook)
    const file = await drive.update(id, {trashed: true})
    this.notice(`${inert(file.name)} is in the trash; back with: cgpu notebook restore ${id}`)
    return this.view(drive, file)
  }
}

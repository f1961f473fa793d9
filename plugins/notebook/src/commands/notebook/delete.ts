import {string as stringArg} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {confirm, inert, sanitizeLine, withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

/** Deletes a notebook of Drive for good. */
export default class NotebookDelete extends DriveCommand<DriveNotebook> {
  static override aliases = ['nb:delete']
  static override args = {notebook: stringArg({description: refDescription, required: true})}
  static override description = `Nobody can bring it back: "notebook trash" is the other way. It may be in the trash already. Asks first.

Exit status: 0; ${driveStatuses}; 64 without a terminal and without --yes.`
  static override examples = [{command: '<%= config.bin %> notebook delete old-2 --yes', description: 'delete old-2.ipynb without a question'}]
  static override flags = {...driveFlags, ...withEnv({yes: boolean({char: 'y', summary: 'do not ask'})})}
  static override seeAlso = ['notebook trash']
  static override summary = 'delete a notebook of Drive for good'

  async run(): Promise<DriveNotebook> {
    const {args, flags} = await this.parse(NotebookDelete)
    const drive = await this.drive(flags, 'write')
    const {findNotebook} = await import('../../drive/find.ts')
    const file = await findNotebook(drive, args.notebook, {trashed: 'any'})
    await confirm(`delete ${sanitizeLine(file.name, 200)} (${file.id}) from Drive for good?`, flags.yes)
    await drive.remove(file.id)
    this.notice(`deleted ${inert(file.name)}`)
    return this.view(drive, file)
  }
}

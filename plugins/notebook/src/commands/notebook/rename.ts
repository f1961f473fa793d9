import {string as stringArg} from '@oclif/core/args'
import {inert} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

/** Gives a notebook of Drive another name. */
export default class NotebookRename extends DriveCommand<DriveNotebook> {
  static override aliases = ['nb:rename']
  static override args = {
    notebook: stringArg({description: refDescription, required: true}),
    name: stringArg({description: 'the new name; .ipynb is added', required: true}),
  }
  static override description = `It stays in its folder, and its address stays the same.

Exit status: 0; ${driveStatuses}.`
  static override examples = [{command: '<%= config.bin %> notebook rename draft final', description: 'draft.ipynb is final.ipynb from then on'}]
  static override flags = driveFlags
  static override seeAlso = ['notebook copy', 'notebook list']
  static override summary = 'give a notebook of Drive another name'

  async run(): Promise<DriveNotebook> {
    const {args, flags} = await this.parse(NotebookRename)
    const drive = await this.drive(flags, 'write')
    const [{findNotebook}, {withEnding}] = await Promise.all([import('../../drive/find.ts'), import('../../drive/files.ts')])
    const {id} = await findNotebook(drive, args.notebook)
    const file = await drive.update(id, {name: withEnding(args.name)})
    this.log(inert(file.name))
    return this.view(drive, file)
  }
}

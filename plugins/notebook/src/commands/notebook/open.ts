import {string as stringArg} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {openBrowser, withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

/** Opens a notebook of Drive in Colab. */
export default class NotebookOpen extends DriveCommand<DriveNotebook & {opened: boolean}> {
  static override aliases = ['nb:open']
  static override args = {notebook: stringArg({description: refDescription, required: true})}
  static override description = `Prints the notebook's address in Colab and opens it in the browser.

Exit status: 0, also where no browser can be opened; ${driveStatuses}.`
  static override examples = [
    {command: '<%= config.bin %> notebook open train', description: 'in the browser'},
    {command: '<%= config.bin %> notebook open train --print', description: 'only print its address'},
  ]
  static override flags = {...driveFlags, ...withEnv({print: boolean({summary: 'print the address, open nothing'})})}
  static override seeAlso = ['notebook list', 'runtime url']
  static override summary = 'open a notebook of Drive in Colab'

  async run(): Promise<DriveNotebook & {opened: boolean}> {
    const {args, flags} = await this.parse(NotebookOpen)
    const drive = await this.drive(flags, 'read')
    const {findNotebook} = await import('../../drive/find.ts')
    const view = this.view(drive, await findNotebook(drive, args.notebook))
    this.log(view.link)
    const opened = !flags.print && (await openBrowser(view.link))
    if (!flags.print && !opened) this.notice('no browser could be opened here: open the address yourself')
    return {...view, opened}
  }
}

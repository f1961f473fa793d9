import {string as stringArg} from '@oclif/core/args'
import {boolean, option, string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {table} from '@cgpu/plugin-sdk/render'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'
import type {Permission} from '../../drive/drive.ts'

/** Says and changes who may see a notebook of Drive. */
export default class NotebookShare extends DriveCommand<DriveNotebook & {permissions: Permission[]}> {
  static override aliases = ['nb:share']
  static override args = {notebook: stringArg({description: refDescription, required: true})}
  static override description = `Without --with, --anyone or --remove it lists who may do what. Nobody is sent a mail unless --notify is given.

Exit status: 0; ${driveStatuses}; 66 too for somebody it is not shared with.`
  static override examples = [
    {command: '<%= config.bin %> notebook share train', description: 'who may see it'},
    {command: '<%= config.bin %> notebook share train --with you@example.com --role writer', description: 'let somebody change it'},
    {command: '<%= config.bin %> notebook share train --anyone', description: 'let everybody with the link see it'},
    {command: '<%= config.bin %> notebook share train --remove anyone --remove you@example.com', description: 'take it back'},
  ]
  static override flags = {
    ...driveFlags,
    ...withEnv({
      with: string({multiple: true, summary: 'somebody to share it with', helpValue: 'EMAIL'}),
      anyone: boolean({summary: 'share it with whoever has the link'}),
      role: option({options: ['reader', 'commenter', 'writer'] as const, default: 'reader' as const, summary: 'what they may do'})(),
      notify: boolean({summary: 'have Google send them a mail'}),
      remove: string({multiple: true, summary: 'somebody to share it with no more; anyone: the link', helpValue: 'EMAIL'}),
      list: boolean({summary: 'list who may do what', exclusive: ['with', 'anyone', 'remove']}),
    }),
  }
  static override seeAlso = ['notebook open', 'notebook copy']
  static override summary = 'share a notebook of Drive'

  async run(): Promise<DriveNotebook & {permissions: Permission[]}> {
    const {args, flags} = await this.parse(NotebookShare)
    const {with: people = [], anyone, remove = [], role, notify} = flags
    const changes = people.length + remove.length > 0 || anyone
    const drive = await this.drive(flags, changes ? 'write' : 'read')
    const [{findNotebook}, {share}] = await Promise.all([import('../../drive/find.ts'), import('../../drive/share.ts')])
    const file = await findNotebook(drive, args.notebook)
    const permissions = await share(drive, file, {people, anyone, remove, role, notify})
    this.log(table(['who', 'role'], permissions.map((one) => [one.email ?? one.type, one.role])))
    return {...this.view(drive, file), permissions}
  }
}

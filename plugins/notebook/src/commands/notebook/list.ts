import {join} from 'node:path'
import {boolean, integer, string} from '@oclif/core/flags'
import {withEnv, writeAtomic} from '@cgpu/plugin-sdk'
import {formatBytes, formatMoment, table} from '@cgpu/plugin-sdk/render'
import {DriveCommand, driveFlags, type DriveNotebook} from '../../drive/command.ts'

/** Lists the notebooks in Drive. */
export default class NotebookList extends DriveCommand<DriveNotebook[]> {
  static override aliases = ['nb:list']
  static override description = `Notebooks of the account's Drive and those that others share with it, the newest first.

Exit status: 0; 66 where there is no such folder; 67 where nobody is signed in, or Drive was not allowed; 69 when Drive cannot be reached.`
  static override examples = [
    {command: '<%= config.bin %> notebook list', description: 'all notebooks'},
    {command: '<%= config.bin %> notebook list --query train --limit 5', description: 'the five newest with such a name'},
    {command: '<%= config.bin %> notebook list --trashed --json', description: 'what is in the trash, for programs'},
  ]
  static override flags = {
    ...driveFlags,
    ...withEnv({
      query: string({summary: 'only those whose names have words that begin so', helpValue: 'TEXT'}),
      folder: string({summary: 'only those in this folder: its name, path, id or address', helpValue: 'FOLDER'}),
      trashed: boolean({summary: 'those in the trash'}),
      limit: integer({min: 1, summary: 'no more than so many', helpValue: 'N'}),
    }),
  }
  static override seeAlso = ['notebook get', 'notebook open', 'auth login']
  static override summary = 'list the notebooks in Drive'

  async run(): Promise<DriveNotebook[]> {
    const {flags} = await this.parse(NotebookList)
    const drive = await this.drive(flags, 'read')
    const [{listNotebooks}, {findFolder}, {seesOwnFilesOnly}] = await Promise.all([import('../../drive/list.ts'), import('../../drive/find.ts'), import('../../drive/scopes.ts')])
    const folder = flags.folder === undefined ? undefined : await findFolder(drive, flags.folder) ?? 'root'
    const {query, trashed, limit} = flags
    const found = await listNotebooks(drive, {query, trashed, limit, folder})
    // for Tab; a cache that cannot be written is none
    if (!trashed && query === undefined && folder === undefined && limit === undefined) {
      await writeAtomic(join(this.config.cacheDir, 'notebooks.json'), JSON.stringify({version: 1, names: [...new Set(found.map(({name}) => name))].slice(0, 2000)})).catch(() => undefined)
    }
    if (found.length > 0) {
      this.log(table(['name', 'modified', 'owner', 'size', 'id'], found.map(({name, modifiedAt, owner, size, id}) => [
        name, modifiedAt === null ? '' : formatMoment(Date.parse(modifiedAt)), owner ?? '', size === null ? '' : formatBytes(size), id,
      ])))
    } else this.notice(trashed ? 'no notebooks in the trash' : 'no notebooks')
    const {email, scopes} = drive.access.account
    if (seesOwnFilesOnly(scopes)) this.warn(`only notebooks that cgpu made are seen: ${email} allowed no more. to see all: cgpu auth login --account ${email} --scopes drive`)
    return found.map((file) => this.view(drive, file))
  }
}

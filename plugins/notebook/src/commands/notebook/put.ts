import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {inert, withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'
import type {Put} from '../../drive/put.ts'

/** Uploads a notebook to Drive. */
export default class NotebookPut extends DriveCommand<DriveNotebook & {status: Put['status']}> {
  static override aliases = ['nb:put']
  static override args = {
    file: stringArg({description: 'the local notebook', required: true}),
    notebook: stringArg({description: `${refDescription}; default: the one that the file came from, else the one of its name`, required: false}),
  }
  static override description = `Replaces the notebook in Drive, or makes one. Where Drive has changes that the file does not have, nothing is written: not without --force. A cut connection is taken up where it broke.

Exit status: 0; ${driveStatuses}; 65 for a file that is no notebook; 72 where a change in Drive would be lost.`
  static override examples = [
    {command: '<%= config.bin %> notebook put train.ipynb', description: 'back to where it came from, or as a new one'},
    {command: '<%= config.bin %> notebook put train.ipynb baseline --new', description: 'as a new one with another name'},
  ]
  static override flags = {
    ...driveFlags,
    ...withEnv({
      folder: string({summary: 'the folder in Drive: its name, path, id or address', helpValue: 'FOLDER'}),
      force: boolean({summary: 'replace the one in Drive, whatever changed there', exclusive: ['new']}),
      new: boolean({summary: 'make a new one, also beside one of the same name'}),
    }),
  }
  static override seeAlso = ['notebook get', 'notebook create']
  static override summary = 'upload a notebook to Drive'

  async run(): Promise<DriveNotebook & {status: Put['status']}> {
    const {args, flags} = await this.parse(NotebookPut)
    const drive = await this.drive(flags, 'write')
    const [{putNotebook}, {GotStore}] = await Promise.all([import('../../drive/put.ts'), import('../../drive/got.ts')])
    const {file, status} = await this.withProgress('uploading', (onProgress) => putNotebook(drive, args.file, {
      ref: args.notebook, folder: flags.folder, force: flags.force, asNew: flags.new, store: new GotStore(this.config.dataDir), onProgress,
    }))
    const view = this.view(drive, file)
    this.log(view.link)
    this.notice(`${inert(file.name)}: ${status}`)
    return {...view, status}
  }
}

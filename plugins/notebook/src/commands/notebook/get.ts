import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {inert, withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses, refDescription} from '../../drive/command.ts'

type Gotten = DriveNotebook & {
  /** the local file; null: it was printed */
  path: string | null
  /** whether the local file is another one now */
  changed: boolean
}

/** Downloads a notebook from Drive. */
export default class NotebookGet extends DriveCommand<Gotten> {
  static override aliases = ['nb:get']
  static override args = {notebook: stringArg({description: refDescription, required: true})}
  static override description = `The file is written whole or not at all, once it was found to be a notebook. cgpu remembers which revision it is, so that "notebook put" notices changes in Drive. A local file with changes of its own is not replaced without --force.

Exit status: 0; ${driveStatuses}; 65 for a file that is no notebook; 72 where a local change would be lost; 73 when the file cannot be written.`
  static override examples = [
    {command: '<%= config.bin %> notebook get train', description: 'to train.ipynb in this folder'},
    {command: '<%= config.bin %> notebook get https://colab.research.google.com/drive/1a2B3c4D5e6F7g8H9i0JkLmNoPqRsTuVw -o copy.ipynb', description: 'by the address that the browser shows'},
    {command: '<%= config.bin %> notebook get train -o - | wc -c', description: 'to stdout'},
  ]
  static override flags = {
    ...driveFlags,
    ...withEnv({
      out: string({char: 'o', summary: 'where it goes; - prints it', helpValue: 'FILE'}),
      force: boolean({summary: 'replace a local file with changes of its own'}),
    }),
  }
  static override seeAlso = ['notebook put', 'notebook list']
  static override summary = 'download a notebook from Drive'

  async run(): Promise<Gotten> {
    const {args, flags} = await this.parse(NotebookGet)
    const drive = await this.drive(flags, 'read')
    const [{getNotebook, readChecked}, {GotStore}] = await Promise.all([import('../../drive/get.ts'), import('../../drive/got.ts')])
    if (flags.out === '-') {
      const {file, bytes} = await this.withProgress('downloading', (onProgress) => readChecked(drive, args.notebook, {onProgress}))
      if (!this.jsonEnabled()) process.stdout.write(process.stdout.isTTY ? inert(bytes.toString('utf8')) : bytes)
      return {...this.view(drive, file), path: null, changed: false}
    }
    const store = new GotStore(this.config.dataDir)
    const {file, path, changed} = await this.withProgress('downloading', (onProgress) => getNotebook(drive, args.notebook, {out: flags.out, force: flags.force, store, onProgress}))
    this.log(inert(path))
    if (!changed) this.notice('it is as it was')
    return {...this.view(drive, file), path, changed}
  }
}

import {join} from 'node:path'
import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {errors, openBrowser, sanitizeLine, withEnv} from '@cgpu/plugin-sdk'
import {DriveCommand, driveFlags, type DriveNotebook, driveStatuses} from '../../drive/command.ts'

/** Makes a notebook in Drive. */
export default class NotebookCreate extends DriveCommand<DriveNotebook & {opened: boolean}> {
  static override aliases = ['nb:create']
  static override args = {name: stringArg({description: 'its name, or folder/name; .ipynb is added', required: true})}
  static override description = `Templates are default, gpu and tpu, whose notebooks ask Colab for that machine; the names of notebooks in --templates; a path; an address of the web; or drive: and a notebook of yours. The sign-in need only allow files that cgpu makes (drive.file).

Exit status: 0; ${driveStatuses}; 65 for a template that is no notebook; 72 where there is a notebook of that name.`
  static override examples = [
    {command: '<%= config.bin %> notebook create experiment', description: 'an empty notebook'},
    {command: '<%= config.bin %> notebook create experiment-gpu --template gpu --open', description: 'for a GPU, and open it in Colab'},
    {command: '<%= config.bin %> nb create report --template ./report.ipynb', description: 'from a notebook of your own'},
  ]
  static override flags = {
    ...driveFlags,
    ...withEnv({
      template: string({default: 'default', summary: 'what it begins with', helpValue: 'TEMPLATE'}),
      templates: string({summary: 'the folder with your own templates; default: notebook-templates beside the settings', helpValue: 'DIR'}),
      folder: string({summary: 'the folder in Drive: its name, path, id or address', helpValue: 'FOLDER'}),
      open: boolean({summary: 'open it in the browser'}),
    }),
  }
  static override seeAlso = ['notebook open', 'notebook put']
  static override summary = 'make a notebook in Drive'

  async run(): Promise<DriveNotebook & {opened: boolean}> {
    const {args, flags} = await this.parse(NotebookCreate)
    const drive = await this.drive(flags, 'make')
    const [{lookForNotebook, newPlace}, {templateText}, {upload}] = await Promise.all([import('../../drive/find.ts'), import('../../drive/templates.ts'), import('../../drive/upload.ts')])
    const text = await templateText(flags.template, {folder: flags.templates ?? join(this.config.configDir, 'notebook-templates'), drive})
    const {name, folder} = await newPlace(drive, args.name, flags.folder)
    const there = await lookForNotebook(drive, name, {folder: folder ?? 'root'})
    if (there) throw errors.conflict(`there is a notebook ${sanitizeLine(name, 200)} already`, {code: 'NOTEBOOK_EXISTS', category: 'file', fix: `choose another name, or open it: cgpu notebook open ${there.id}`, details: {id: there.id}})
    const view = this.view(drive, await upload(drive.transport, {target: {name, folder}, bytes: Buffer.from(text)}))
    this.log(view.link)
    const opened = flags.open && (await openBrowser(view.link))
    if (flags.open && !opened) this.notice('no browser could be opened here: open the address yourself')
    return {...view, opened}
  }
}

import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {string as stringArg} from '@oclif/core/args'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {isLively} from '@cgpu/plugin-sdk/render'
import type {Notebook} from '../../format/model.ts'
import {readNotebook} from '../../format/read.ts'
import {shown} from '../../show.ts'

/** Prints a notebook as text. */
export default class NotebookShow extends CgpuCommand<Notebook> {
  static override aliases = ['nb:show']
  static override args = {notebook: stringArg({description: 'the notebook; - reads it from stdin', required: true})}
  static override description = 'Cells with their prompts, and outputs as text; of an image, its type and size. With --json the notebook itself, checked and upgraded to format 4.5.'
  static override examples = [
    {command: '<%= config.bin %> notebook show analysis.ipynb', description: 'what it holds, and what it printed'},
  ]
  static override seeAlso = ['notebook run', 'notebook params']
  static override summary = 'print a notebook as text'

  async run(): Promise<Notebook> {
    const {args} = await this.parse(NotebookShow)
    const notebook = await readNotebook(args.notebook)
    if (!this.jsonEnabled()) await pipeline(Readable.from(shown(notebook, {colour: isLively(process.stdout)})), process.stdout, {end: false})
    return notebook
  }
}

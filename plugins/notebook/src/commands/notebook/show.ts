import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import {imageProtocol, isLively} from '@cgpu/plugin-sdk/render'
import type {Notebook} from '../../format/model.ts'
import {select} from '../../run/select.ts'
import {readSource} from '../../export/source.ts'
import {shown, type ShowOptions} from '../../show/show.ts'

/** Prints a notebook as text. */
export default class NotebookShow extends CgpuCommand<Notebook> {
  static override aliases = ['nb:show']
  static override args = {notebook: stringArg({description: 'the notebook, a file or an address, or a script in the percent format; - reads it from stdin', required: true})}
  static override description = `Cells with their prompts and outputs. In a terminal text is laid out, code is coloured, pictures are shown where the terminal can (else their type and size), and what is longer than the screen goes through your pager (CGPU_PAGER, PAGER, less). With --json the notebook itself, checked and upgraded to format 4.5.

Exit status: 0; 64 for a cell that is not there; 65 for a file that is no notebook; 66 for a file that is not there.`
  static override examples = [
    {command: '<%= config.bin %> notebook show analysis.ipynb', description: 'what it holds, and what it printed'},
    {command: '<%= config.bin %> notebook show analysis.ipynb --cells 1-3 --no-pager', description: 'the first three cells'},
  ]
  static override flags = withEnv({
    cells: string({multiple: true, summary: 'show these only: 1,3-5, ids, tags', helpValue: 'CELLS'}),
    'no-pager': boolean({summary: 'never use a pager'}),
  })
  static override seeAlso = ['notebook export', 'notebook run', 'notebook params']
  static override summary = 'print a notebook as text'

  async run(): Promise<Notebook> {
    const {args, flags} = await this.parse(NotebookShow)
    const {notebook} = await readSource(args.notebook, this)
    const chosen = select(notebook, {cells: flags.cells})
    if (chosen) notebook.cells = notebook.cells.filter(({id}) => chosen.has(id))
    if (this.jsonEnabled()) return notebook
    const {stdout} = process
    if (!stdout.isTTY) await pipeline(Readable.from(shown(notebook, {colour: false})), stdout, {end: false})
    else {
      const options = await forTerminal(notebook, stdout.columns)
      // a pager lets no picture through
      const pages = !flags['no-pager'] && !(options.images !== undefined && hasPng(notebook))
      const {paged} = await import('../../show/pager.ts')
      await paged(shown(notebook, options), {rows: pages ? stdout.rows : Number.POSITIVE_INFINITY, env: process.env})
    }
    return notebook
  }
}

async function forTerminal(notebook: Notebook, width: number): Promise<ShowOptions> {
  const [{Highlighter, languagesIn}, {languageName}, {terminalMarkdown}] = await Promise.all([import('../../highlight.ts'), import('../../language.ts'), import('../../show/markdown.ts')])
  const colour = isLively(process.stdout)
  const highlighter = await Highlighter.of(colour ? [languageName(notebook), ...notebook.cells.flatMap(({source}) => [...languagesIn(source)])] : [])
  return {colour, images: imageProtocol(), highlighter: colour ? highlighter : undefined, markdown: (source, safe) => terminalMarkdown(source, {colour, width, highlighter, safe})}
}

const hasPng = ({cells}: Notebook): boolean => cells.some((cell) => cell.cell_type === 'code' && cell.outputs.some((output) => 'data' in output && output.data['image/png'] !== undefined))

import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {CgpuCommand, errors, inert, withEnv} from '@cgpu/plugin-sdk'
import type {ExportResult} from '../../export/export.ts'

const group = {helpGroup: 'CONTENT'}

/** Writes notebooks in other formats. */
export default class NotebookExport extends CgpuCommand<ExportResult[]> {
  static override aliases = ['nb:export']
  static override args = {notebook: stringArg({description: 'the notebook, or a script in the percent format; - reads it from stdin; several go into a folder', required: true})}
  static override description = `Formats: html (one file that needs no network), pdf (printed by an installed Chromium, Chrome or Edge), md (pictures go to NAME_files), py and script (magics become comments), percent (cells as # %%, to be read back), ipynb, and those of plugins. Nothing is run, and HTML of the notebook cannot act in the page unless --trust-html is given.

Exit status: 0; 64 for an unknown format; 65 for a file that is no notebook; 66 for a file that is not there, or where no browser is found; 69 when the browser fails; 73 when the result cannot be written.`
  static override examples = [
    {command: '<%= config.bin %> notebook export analysis.ipynb', description: 'analysis.html, for any browser'},
    {command: '<%= config.bin %> notebook export analysis.ipynb -o report.html --no-input --toc --title Report', description: 'a report without code'},
    {command: '<%= config.bin %> nb export analysis.ipynb --to percent', description: 'analysis.py, to be edited as a script'},
    {command: '<%= config.bin %> nb export analysis.py --to ipynb -o new.ipynb --outputs-from analysis.ipynb', description: 'back to a notebook, with the outputs it had'},
  ]
  static override flags = withEnv({
    to: string({summary: 'html, pdf, md, py, script, percent, ipynb, or a plugin\'s; default: by the ending of -o, else html', helpValue: 'FORMAT'}),
    out: string({char: 'o', summary: 'the file or folder to write; - prints it', helpValue: 'PLACE'}),
    'no-input': boolean({...group, summary: 'leave the code out'}),
    'no-output': boolean({...group, summary: 'leave the outputs out'}),
    title: string({...group, summary: 'the title of the page', helpValue: 'TEXT'}),
    toc: boolean({...group, summary: 'begin with a table of contents (html, pdf)'}),
    'embed-images': boolean({...group, summary: 'keep pictures within the text (md)'}),
    'trust-html': boolean({...group, summary: 'let HTML and scripts of the notebook act in the page'}),
    'outputs-from': string({...group, summary: 'take outputs from this notebook, for cells with the same id or source', helpValue: 'NOTEBOOK'}),
  })
  static override seeAlso = ['notebook show', 'notebook run']
  static override strict = false
  static override summary = 'write a notebook as HTML, PDF, Markdown or a script'

  async run(): Promise<ExportResult[]> {
    const {argv, flags} = await this.parse(NotebookExport)
    const paths = argv.map(String)
    if (paths.filter((path) => path === '-').length > 1) throw errors.usage('stdin is one notebook', {code: 'USAGE', fix: 'give - once'})
    if (flags.out === '-' && this.jsonEnabled()) throw errors.usage('stdout is for the JSON object', {code: 'USAGE', fix: 'give -o FILE'})
    const [{formatOf}, {readSource}, {places}, {exportTo}] = await Promise.all([
      import('../../export/formats.ts'), import('../../export/source.ts'), import('../../export/places.ts'), import('../../export/export.ts'),
    ])
    const format = await formatOf(this, {to: flags.to, out: flags.out})
    const sources = new Map(await Promise.all([...new Set(paths)].map(async (path) => [path, await readSource(path, this)] as const)))
    const old = flags['outputs-from']
    if (old !== undefined) {
      const [{restoreOutputs}, {readNotebook}] = await Promise.all([import('../../export/restore-outputs.ts'), import('../../format/read.ts')])
      const from = await readNotebook(old)
      for (const {notebook} of sources.values()) restoreOutputs(notebook, from)
    }
    const to = await places([...sources].map(([path, {notebook}]) => ({path, extension: format.extension(notebook)})), flags.out)
    const options = {input: !flags['no-input'], output: !flags['no-output'], title: flags.title, toc: flags.toc, trust: flags['trust-html'], embedImages: flags['embed-images']}
    const results: ExportResult[] = []
    for (const place of to) {
      const source = sources.get(place.from)
      if (!source) continue
      const result = await exportTo(place, {source, format, options})
      if (result.output !== '-') this.log(inert(result.output))
      results.push(result)
    }
    return results
  }
}

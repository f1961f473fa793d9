import {string as stringArg} from '@oclif/core/args'
import {boolean, option} from '@oclif/core/flags'
import {CgpuCommand, errors, inert, withEnv} from '@cgpu/plugin-sdk'
import type {Keep} from '../../strip/strip.ts'

export interface StrippedNotebook {
  notebook: string
  /** it held something to remove; with `--check` it still does */
  changed: boolean
}

/** Removes from notebooks what running them leaves. */
export default class NotebookStrip extends CgpuCommand<StrippedNotebook[]> {
  static override aliases = ['nb:strip']
  static override args = {notebook: stringArg({description: 'the notebooks; - reads one from stdin and prints it', required: true, multiple: true})}
  static override description = `Takes out outputs, execution counts and volatile metadata, such as when a cell ran. Everything else of the file stays as it is, byte for byte. Signatures of trust are not kept in notebooks by Jupyter any more: none is needed or written.

Exit status: 0; with --check 1 where something is to be removed; 65 for a file that is no notebook; 73 when it cannot be written. A file that cannot be read leaves the others as they are.`
  static override examples = [
    {command: '<%= config.bin %> notebook strip analysis.ipynb', description: 'in place; prints the name of what was changed'},
    {command: '<%= config.bin %> notebook strip --check analysis.ipynb', description: 'for CI: nothing is changed, status 1 where there is something'},
    {command: '<%= config.bin %> nb strip --keep outputs-tagged - < analysis.ipynb', description: 'as a filter, for git; cells tagged keep-output keep their outputs'},
  ]
  static override flags = withEnv({
    check: boolean({summary: 'change nothing; fail where there is something to remove'}),
    keep: option({env: 'CGPU_STRIP_KEEP', options: ['outputs', 'outputs-tagged', 'execution-counts', 'metadata'] as const, multiple: true, summary: 'leave this; of outputs-tagged those of cells with the tag keep-output'})(),
  })
  static override seeAlso = ['notebook lint', 'notebook diff']
  static override summary = 'remove outputs, execution counts and volatile metadata'

  async run(): Promise<StrippedNotebook[]> {
    const {args: {notebook: paths}, flags} = await this.parse(NotebookStrip)
    if (paths.includes('-') && paths.length > 1) throw errors.usage('stdin is one notebook, and other files are given too', {code: 'USAGE', fix: 'give - alone'})
    if (paths.includes('-') && this.jsonEnabled() && !flags.check) throw errors.usage('the stripped notebook goes to stdout, where --json would be', {code: 'USAGE', fix: 'leave --json out, or give the notebook as a file'})
    const [{openNotebook, writeText}, {strip}] = await Promise.all([import('../../edit/file.ts'), import('../../strip/strip.ts')])
    const keep = new Set<Keep>(flags.keep)
    const files = []
    // all are read before one is changed
    for (const path of paths) {
      const file = await openNotebook(path, {lenient: true})
      const text = strip(file, keep)
      files.push({path, text, changed: text !== file.text})
    }
    for (const {path, text, changed} of files) {
      if (path === '-' && !flags.check) process.stdout.write(text)
      else if (changed) {
        if (!flags.check) await writeText(path, text)
        this.log(inert(path))
      }
    }
    if (flags.check && files.some(({changed}) => changed)) this.exitWith(1)
    return files.map(({path, changed}) => ({notebook: path, changed}))
  }
}

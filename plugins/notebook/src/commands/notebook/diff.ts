import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {string as stringArg} from '@oclif/core/args'
import {integer, option} from '@oclif/core/flags'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import {isLively} from '@cgpu/plugin-sdk/render'
import type {NotebookDiff} from '../../compare/diff.ts'

/** Compares two notebooks cell by cell. */
export default class NotebookDiffCommand extends CgpuCommand<NotebookDiff> {
  static override aliases = ['nb:diff']
  static override args = {
    before: stringArg({description: 'the one notebook; - reads it from stdin, /dev/null is an empty one', required: true}),
    after: stringArg({description: 'the other', required: true}),
  }
  static override description = `Cells are matched by id, then by what they hold. Sources, outputs, metadata and execution counts are compared apart; of images and other data it shows a digest.

Exit status: 0 alike, 1 different; 65 for a file that is no notebook, 66 for one that is not there.`
  static override examples = [
    {command: '<%= config.bin %> notebook diff analysis.ipynb analysis.out.ipynb || true', description: 'status 1 says that they differ'},
    {command: '<%= config.bin %> notebook diff analysis.ipynb analysis.ipynb --ignore outputs --ignore metadata --json', description: 'for programs, sources and execution counts only'},
  ]
  static override flags = withEnv({
    ignore: option({options: ['outputs', 'metadata', 'execution-counts'] as const, multiple: true, delimiter: ',', summary: 'do not compare this'})(),
    unified: integer({char: 'U', default: 3, min: 0, summary: 'lines to show around what changed', helpValue: 'N'}),
  })
  static override seeAlso = ['notebook merge', 'notebook strip', 'notebook test']
  static override summary = 'compare two notebooks cell by cell'

  async run(): Promise<NotebookDiff> {
    const {args: {before, after}, flags} = await this.parse(NotebookDiffCommand)
    const [{diffNotebooks}, {diffText}, {readSide}] = await Promise.all([import('../../compare/diff.ts'), import('../../compare/diff-text.ts'), import('../../compare/side.ts')])
    const found = diffNotebooks(await readSide(before), await readSide(after), {ignore: new Set(flags.ignore), context: flags.unified})
    if (!found.same) {
      this.exitWith(1)
      if (!this.jsonEnabled()) await pipeline(Readable.from(diffText(found, {names: [before, after], colour: isLively(process.stdout)})), process.stdout, {end: false})
    } else this.notice('no differences')
    return found
  }
}

import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {CgpuCommand, inert, withEnv} from '@cgpu/plugin-sdk'

export interface NotebookMergeResult {
  /** `-`: it was printed; with `--json` nothing was written then */
  output: string
  /** numbers of cells, from 1, whose source has the marks of a conflict */
  conflicts: number[]
  /** metadata that both sides changed: ours was taken */
  ours: string[]
}

/** Merges two versions of a notebook that come from a common one. */
export default class NotebookMergeCommand extends CgpuCommand<NotebookMergeResult> {
  static override aliases = ['nb:merge']
  static override args = {
    base: stringArg({description: 'the notebook that both come from', required: true}),
    ours: stringArg({description: 'the one version; of it are indent and order of keys', required: true}),
    theirs: stringArg({description: 'the other', required: true}),
  }
  static override description = `Merges cell by cell, and sources line by line; where both sides changed the same lines, the cell gets the marks of a conflict. Outputs never conflict: they are those of the side whose source the cell has, and none where it has a mixture. The result is a notebook in any case.

Exit status: 0 merged; 1 with conflicts, which are written too; 65 for a file that is no notebook, and nothing is written; 73 when it cannot be written.`
  static override examples = [
    {command: '<%= config.bin %> notebook merge base.ipynb ours.ipynb theirs.ipynb -o merged.ipynb', description: 'writes the merged notebook'},
    {command: `git config merge.notebook.driver '<%= config.bin %> notebook merge %O %A %B -o %A'`, description: 'for git, with *.ipynb merge=notebook in .gitattributes'},
  ]
  static override flags = withEnv({
    out: string({char: 'o', default: '-', summary: 'where the merged notebook goes; - prints it', helpValue: 'FILE'}),
  })
  static override seeAlso = ['notebook diff', 'notebook strip']
  static override summary = 'merge two versions of a notebook'

  async run(): Promise<NotebookMergeResult> {
    const {args, flags} = await this.parse(NotebookMergeCommand)
    const [{openNotebook, writeText}, {readSide}, {mergeNotebooks}, {writtenLike}] = await Promise.all([
      import('../../edit/file.ts'), import('../../compare/side.ts'), import('../../merge/merge.ts'), import('../../edit/written-like.ts'),
    ])
    const ours = await openNotebook(args.ours)
    const merged = mergeNotebooks({base: await readSide(args.base, {mayBeEmpty: true}), ours: ours.notebook, theirs: await readSide(args.theirs)})
    const text = writtenLike(ours.text, merged.notebook)
    if (flags.out !== '-') await writeText(flags.out, text)
    else if (!this.jsonEnabled()) process.stdout.write(text)
    if (merged.ours.length > 0) this.warn(`both sides changed ${inert(merged.ours.slice(0, 10).join(', '))}${merged.ours.length > 10 ? ` and ${merged.ours.length - 10} more` : ''}: ours was taken`)
    const conflicts = merged.conflicts.map((index) => index + 1)
    if (conflicts.length > 0) {
      this.exitWith(1)
      this.notice(`conflicts in ${conflicts.length === 1 ? 'cell' : 'cells'} ${conflicts.join(', ')}`)
    }
    return {output: flags.out, conflicts, ours: merged.ours}
  }
}

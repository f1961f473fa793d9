import {string as stringArg} from '@oclif/core/args'
import {boolean, integer, option, string} from '@oclif/core/flags'
import {CgpuCommand, errors, ExitCode, inert, withEnv} from '@cgpu/plugin-sdk'
import {githubAnnotation, wantsAnnotations} from '../../annotations.ts'
import type {Finding} from '../../lint/lint.ts'

export interface NotebookLintResult {
  findings: Finding[]
  /** how many were mended */
  fixed: number
}

/** Looks for what should not be committed in notebooks. */
export default class NotebookLint extends CgpuCommand<NotebookLintResult> {
  static override aliases = ['nb:lint']
  static override args = {notebook: stringArg({description: 'the notebooks', required: true, multiple: true})}
  static override description = `Rules: execution-order, not-executed, empty-cell (fixable), duplicate-id (fixable), missing-kernelspec, parameters-cell, huge-output, secret, home-path, error-output. A secret itself is never printed.

Exit status: 0 nothing found, or all of it mended; 1 findings; 65 where a file is no notebook or is not there, which is a finding of the rule invalid.`
  static override examples = [
    {command: '<%= config.bin %> notebook lint analysis.ipynb --ignore missing-kernelspec', description: 'a line for each finding: file, line, cell, rule'},
    {command: '<%= config.bin %> notebook lint --fix --rule empty-cell analysis.ipynb', description: 'remove empty cells'},
  ]
  static override flags = withEnv({
    annotations: option({options: ['github', 'none'] as const, summary: 'mark the lines in pull requests; default: github in GitHub Actions'})(),
    fix: boolean({summary: 'mend in place what can be mended'}),
    ignore: string({multiple: true, delimiter: ',', summary: 'leave this rule out', helpValue: 'RULE'}),
    'max-output': integer({default: 1024 * 1024, min: 0, summary: 'for huge-output: bytes that a cell\'s outputs may take', helpValue: 'BYTES'}),
    rule: string({multiple: true, delimiter: ',', summary: 'this rule only', helpValue: 'RULE'}),
  })
  static override seeAlso = ['notebook strip', 'notebook test']
  static override summary = 'find what should not be committed in notebooks'

  async run(): Promise<NotebookLintResult> {
    const {args, flags} = await this.parse(NotebookLint)
    if (flags.fix && args.notebook.includes('-')) throw errors.usage('stdin cannot be mended', {code: 'USAGE', fix: 'give the notebook as a file'})
    const {chosenRules, lint} = await import('../../lint/lint.ts')
    const chosen = chosenRules(flags.rule ?? [], flags.ignore ?? [])
    const findings: Finding[] = []
    let fixed = 0
    for (const path of args.notebook) {
      const linted = await lint(path, {chosen, fix: flags.fix, maxOutputBytes: flags['max-output']})
      findings.push(...linted.findings)
      fixed += linted.fixed
    }
    for (const {notebook, line, cell, rule, message} of findings) {
      this.log(inert(`${notebook}:${line}: ${cell === null ? '' : `cell ${cell}: `}${message} [${rule}]`))
      if (wantsAnnotations(flags.annotations)) process.stderr.write(githubAnnotation({level: 'error', file: notebook, line, title: rule, message: inert(cell === null ? message : `cell ${cell}: ${message}`)}))
    }
    if (fixed > 0) this.notice(`${fixed} mended`)
    if (findings.length > 0) this.exitWith(findings.some(({rule}) => rule === 'invalid') ? ExitCode.data : 1)
    return {findings, fixed}
  }
}

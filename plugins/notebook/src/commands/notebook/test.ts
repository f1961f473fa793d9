import {string as stringArg} from '@oclif/core/args'
import {boolean, option, string} from '@oclif/core/flags'
import {CgpuCommand, CgpuError, errors, parseTimeLimit, withEnv, withKernel} from '@cgpu/plugin-sdk'
import {isLively} from '@cgpu/plugin-sdk/render'
import {wantsAnnotations} from '../../annotations.ts'
import {parameterFlags} from '../../parameters/flags.ts'
import {givenIn} from '../../parameters/given.ts'
import {joinPairs} from '../../parameters/values.ts'
import type {TestedNotebook} from '../../verify/verify.ts'

const on = {helpGroup: 'RUNTIME'}
const compare = {helpGroup: 'COMPARISON'}

export interface NotebookTestResult {
  notebooks: TestedNotebook[]
}

/** Runs notebooks and compares what they print with what was committed. */
export default class NotebookTest extends CgpuCommand<NotebookTestResult> {
  static override aliases = ['nb:test']
  static override args = {notebook: stringArg({description: 'the notebooks', required: true, multiple: true})}
  static override description = `Runs each notebook on a kernel of its own and compares the outputs of every cell with those in the file, which stays as it is. Dates, durations, addresses and temporary paths may differ; numbers and images within tolerances. A cell's tags skip-compare, skip-compare:TYPE and budget:2s, and its metadata.cgpu.test, say otherwise for it.

Exit status: 0 all as committed, or --update wrote what is new; 1 outputs differ, or a cell took longer than its budget; 2 a cell failed; 64 a flag is wrong; 65 a file is no notebook or has no outputs to compare with; 71 the kernel or the machine was lost; 72 the file was changed meanwhile, and not updated; 73 it cannot be written; 130 interrupted. Of several reasons the last one of this list counts; every other notebook is tested all the same, unless the machine is the reason.`
  static override examples = [
    {command: '<%= config.bin %> notebook test --update analysis.ipynb', description: 'write the outputs of a run into the notebook, to be committed'},
    {command: '<%= config.bin %> notebook test analysis.ipynb --tolerance 1e-6 --junit report.xml', description: 'run it again and compare; numbers may differ by a millionth'},
    {command: '<%= config.bin %> nb test analysis.ipynb -p seed 1 --mask "loss=\\S+" --ignore-output stderr --budget 30s', description: 'with a parameter for this run, without what is random, and no cell longer than half a minute'},
  ]
  static override flags = withEnv({
    runtime: string({...on, summary: 'the runtime to work on, by name or unique prefix', helpValue: 'NAME'}),
    account: string({...on, summary: 'the account to work with, by email or id', helpValue: 'EMAIL'}),
    kernel: string({...on, char: 'k', summary: 'the kernel to use, by the name of its kernelspec; default: the notebook\'s', helpValue: 'NAME'}),
    cwd: string({...on, summary: 'folder on the runtime to run in, below its working folder', helpValue: 'DIR'}),
    secret: string({...on, multiple: true, summary: 'a secret that the code may ask for, on Colab', helpValue: 'NAME'}),
    'startup-timeout': string({...on, default: '60s', summary: 'how long the kernel may take to start', helpValue: 'TIME'}),
    ...parameterFlags,
    'cell-timeout': string({summary: 'interrupt a cell after so long, and stop', helpValue: 'TIME'}),
    'allow-errors': boolean({summary: 'go on after cells that fail'}),
    tolerance: string({...compare, default: '0', summary: 'how far numbers may be off, relative to the committed ones', helpValue: 'NUMBER'}),
    'absolute-tolerance': string({...compare, default: '0', summary: 'how far numbers may be off', helpValue: 'NUMBER'}),
    'image-tolerance': string({...compare, default: '0.001', summary: 'which share of an image\'s pixels may look different', helpValue: 'NUMBER'}),
    mask: string({...compare, multiple: true, summary: 'a regular expression: what it matches may differ', helpValue: 'REGEX'}),
    'builtin-masks': boolean({...compare, default: true, allowNo: true, summary: 'let dates, durations, addresses, ids and temporary paths differ'}),
    'ignore-output': string({...compare, multiple: true, delimiter: ',', summary: 'do not compare this: stderr, text/html, image/*, error', helpValue: 'TYPE'}),
    budget: string({...compare, summary: 'how long each cell may take', helpValue: 'TIME'}),
    update: boolean({summary: 'write outputs that differ into the notebook'}),
    junit: string({summary: 'write the results as JUnit XML', helpValue: 'FILE'}),
    annotations: option({options: ['github', 'none'] as const, summary: 'mark the cells in pull requests; default: github in GitHub Actions'})(),
  })
  static override seeAlso = ['notebook run', 'notebook diff', 'notebook strip']
  static override summary = 'run notebooks and compare their outputs with the committed ones'

  async run(): Promise<NotebookTestResult> {
    const {args, flags} = await this.parse(NotebookTest, joinPairs(this.argv))
    if (flags.update && args.notebook.includes('-')) throw errors.usage('stdin cannot be updated', {code: 'USAGE', fix: 'give the notebook as a file'})
    const [{comparisonOf}, {verify}, {readParameters}] = await Promise.all([import('../../verify/settings.ts'), import('../../verify/verify.ts'), import('../../parameters/values.ts')])
    const options = {
      flags, common: comparisonOf(flags), updates: flags.update, parameters: await readParameters(givenIn(flags)),
      cellTimeoutMs: flags['cell-timeout'] === undefined ? undefined : parseTimeLimit(flags['cell-timeout']),
      startTimeoutMs: parseTimeLimit(flags['startup-timeout']),
      warn: (message: string) => void this.warn(message),
      notice: (message: string) => this.notice(message),
    }
    const {silentReporter, TextReporter} = await import('../../run/report.ts')
    const tested: TestedNotebook[] = []
    let worst: CgpuError | undefined
    for (const path of args.notebook) {
      const started = performance.now()
      const reporter = this.jsonEnabled() ? silentReporter : new TextReporter({quiet: this.quiet, log: false})
      try {
        tested.push(await verify(path, {...options, reporter, withKernel: (request, use) => withKernel(this, request, use)}))
      } catch (error) {
        reporter.failed(error)
        if (!(error instanceof CgpuError)) throw error
        tested.push({notebook: path, status: 'error', durationSeconds: (performance.now() - started) / 1000, cells: [], error: {code: error.code, message: error.message}})
        if (!worst || error.exit > worst.exit) worst = error
        // a file that is no notebook is its own trouble; anything else would be that of the next one too
        if (error.exit !== 65 && error.exit !== 66) break
      }
    }
    return this.#report(tested, {worst, junit: flags.junit, annotations: wantsAnnotations(flags.annotations)})
  }

  async #report(tested: TestedNotebook[], {worst, junit, annotations}: {worst: CgpuError | undefined; junit: string | undefined; annotations: boolean}): Promise<NotebookTestResult> {
    const report = await import('../../verify/report.ts')
    if (junit !== undefined) {
      const [{junitChunks}, {writeText}] = await Promise.all([import('../../junit/junit.ts'), import('../../edit/file.ts')])
      await writeText(junit, [...junitChunks(report.junitOf(tested))].join(''))
    }
    if (!this.jsonEnabled()) {
      for (const one of tested) for (const piece of report.problemText(one, isLively(process.stdout))) process.stdout.write(piece)
      if (!worst || tested.length > 1) this.log(report.summary(tested))
    }
    if (annotations) process.stderr.write(report.annotations(tested))
    if (worst) {
      const {message, code, category, exit, fix, retryable, cause} = worst
      throw new CgpuError(message, {code, category, exit, fix, retryable, cause, details: {...worst.details, notebooks: tested}})
    }
    if (tested.some(({status}) => status === 'error')) this.exitWith(2)
    else if (tested.some(({status}) => status === 'failed')) this.exitWith(1)
    return {notebooks: tested}
  }
}

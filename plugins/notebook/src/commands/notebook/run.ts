import {mkdir} from 'node:fs/promises'
import {dirname} from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {string as stringArg} from '@oclif/core/args'
import {boolean, option, string} from '@oclif/core/flags'
import {CgpuCommand, errors, inert, withEnv, withKernel} from '@cgpu/plugin-sdk'
import type {Again, AgainFlags, Selected} from '../../again/again.ts'
import {isAddress, openPlace} from '../../addresses/address.ts'
import {batchFlags, isBatch, joinRuntimes} from '../../batch/flags.ts'
import type {BatchResult} from '../../batch/result.ts'
import type {DetachedRun} from '../../detach/start.ts'
import {askedPlugins} from '../../hooks/ask.ts'
import {wordsOf} from '../../run/words.ts'
import {limitsOf} from '../../run/limits.ts'
import {outputPath} from '../../run/output-path.ts'
import type {Performed, PerformOptions} from '../../run/perform.ts'
import type {Prepared, PrepareFlags} from '../../run/prepare.ts'
import type {CellResult, NotebookRun} from '../../run/run-notebook.ts'
import type {Reporter} from '../../run/report.ts'
import type {TravelFlags} from '../../travel/travel.ts'
import {parameterFlags} from '../../parameters/flags.ts'
import {joinPairs} from '../../parameters/values.ts'
import {needTrust} from '../../trusted.ts'

type RunFlags = PrepareFlags & PerformOptions['flags'] & AgainFlags & TravelFlags & {output?: string | undefined; 'startup-timeout': string}

const which = {helpGroup: 'CELLS'}
const again = {helpGroup: 'AGAIN'}
const chosen = ['from', 'until', 'cells', 'tags']

const goesByCopy = (flags: AgainFlags): boolean => flags.changed === true || flags['from-failed'] === true || flags.resume === true || flags['keep-kernel'] === true

export interface NotebookRunResult {
  notebook: string
  /** where the executed copy is; `-`: it was printed */
  output: string
  /** empty where nothing had to run */
  runtime: string
  kernel: string
  status: NotebookRun['status']
  exitStatus: number
  durationSeconds: number
  parameters: Record<string, unknown>
  cells: CellResult[]
  /** which cells ran and which did not, and why; absent: all did that were asked for */
  selection?: Selected[]
}

/** Executes a notebook on a kernel of its own and writes the executed copy. */
export default class NotebookRunCommand extends CgpuCommand<NotebookRunResult | BatchResult | DetachedRun | undefined> {
  static override aliases = ['nb:run']
  static override args = {notebook: stringArg({description: 'the notebook, a file or an address, or several; - reads it from stdin', required: true, multiple: true})}
  static override description = `Runs cell by cell on a fresh kernel, stops at the first error, and writes the executed copy after every cell and at the end, whatever happens: to NAME.out.ipynb unless -o or --inplace say otherwise.

Several notebooks, or one of the flags under BATCH, make a batch: each run has a kernel of its own, goes on where another fails, and a table of all comes at the end. -o is a folder then (DIR/), or a template: {name} {folder} {n} {set}, and each parameter by its name.

Exit status: 0; that of the cell that failed (1 for an exception, the status of sys.exit()); 130 when interrupted or out of time; 65 for a file that is no notebook; 71 when the kernel died; 72 when another run writes the same copy; 73 when the copy cannot be written. Of a batch: that of the run that failed first.`
  static override examples = [
    {command: '<%= config.bin %> notebook run analysis.ipynb', description: 'the executed copy is analysis.out.ipynb'},
    {command: '<%= config.bin %> notebook run analysis.ipynb -o done.ipynb -p epochs 3 -p name small', description: 'with parameters, as papermill takes them'},
    {command: '<%= config.bin %> notebook run analysis.ipynb --grid epochs=1,2 --parallel 2 -o runs/ --html runs.html', description: 'once with each value, two at a time, with a report'},
    {command: '<%= config.bin %> notebook run analysis.ipynb --detach', description: 'leave it running on the runtime, and print its id'},
  ]
  static override flags = withEnv({
    ...batchFlags,
    runtime: string({helpGroup: 'RUNTIME', summary: 'the runtime to work on, by name or unique prefix; of a batch several: A,B', helpValue: 'NAME'}),
    account: string({helpGroup: 'RUNTIME', summary: 'the account to work with, by email or id', helpValue: 'EMAIL'}),
    kernel: string({char: 'k', helpGroup: 'RUNTIME', summary: 'the kernel to use, by the name of its kernelspec; default: the notebook\'s', helpValue: 'NAME'}),
    cwd: string({helpGroup: 'RUNTIME', summary: 'folder on the runtime to run in, below its working folder', helpValue: 'DIR'}),
    secret: string({helpGroup: 'RUNTIME', multiple: true, summary: 'a secret that the code may ask for, on Colab', helpValue: 'NAME'}),
    include: string({helpGroup: 'RUNTIME', multiple: true, summary: 'a file or folder that goes to the runtime before the run', helpValue: 'PATH'}),
    fetch: string({helpGroup: 'RUNTIME', multiple: true, summary: 'what comes back after the run, also after one that failed', helpValue: 'PATTERN'}),
    'fetch-to': string({helpGroup: 'RUNTIME', dependsOn: ['fetch'], summary: 'where that comes; default: beside the copy, of each run of a batch into NAME_files there', helpValue: 'DIR'}),
    out: string({char: 'o', summary: 'where the executed copy goes, a file or an address; - prints it', helpValue: 'FILE', exclusive: ['inplace']}),
    inplace: boolean({summary: 'write the outputs into the notebook itself'}),
    detach: boolean({char: 'd', summary: 'print the id of the job that runs it, and leave it running on the runtime'}),
    output: option({options: ['text', 'json', 'ndjson'] as const, summary: 'text for people, one JSON object, or an event a line'})(),
    'log-output': boolean({summary: 'print what cells print as it comes'}),
    'allow-errors': boolean({summary: 'go on after cells that fail'}),
    'allow-error-names': string({multiple: true, summary: 'go on after these exceptions', helpValue: 'NAMES'}),
    'skip-tag': string({...which, default: 'skip-execution', summary: 'leave cells with this tag as they are', helpValue: 'TAG'}),
    'cell-timeout': string({summary: 'interrupt a cell after so long, and stop', helpValue: 'TIME'}),
    timeout: string({summary: 'interrupt the notebook after so long', helpValue: 'TIME'}),
    'startup-timeout': string({default: '60s', summary: 'how long the kernel may take to start', helpValue: 'TIME'}),
    stdin: boolean({summary: 'answer input() with the lines of stdin; else asking fails'}),
    timing: boolean({default: true, allowNo: true, summary: 'keep in each cell when it ran'}),
    'error-markers': boolean({default: true, allowNo: true, summary: 'mark in the copy where it failed'}),
    ...parameterFlags,
    from: string({...which, summary: 'begin at this cell: its number, id or tag', helpValue: 'CELL'}),
    until: string({...which, summary: 'end with this cell', helpValue: 'CELL'}),
    cells: string({...which, multiple: true, summary: 'run these only: 1,3-5, ids, tags', helpValue: 'CELLS'}),
    tags: string({...which, multiple: true, summary: 'run cells with one of these tags only', helpValue: 'TAGS'}),
    changed: boolean({...again, exclusive: ['from-failed', 'resume', ...chosen], summary: 'run what changed since the executed copy was made, and what depends on it'}),
    'from-failed': boolean({...again, exclusive: ['resume', ...chosen], summary: 'begin at the cell that failed in the executed copy'}),
    resume: boolean({...again, exclusive: chosen, summary: 'go on behind the last cell that finished in the executed copy'}),
    'keep-kernel': boolean({...again, summary: 'leave the kernel running, and use it again the next time'}),
    'fresh-kernel': boolean({...again, dependsOn: ['keep-kernel'], summary: 'end the kept kernel, and keep a fresh one'}),
    watch: boolean({...again, exclusive: ['inplace', 'from-failed', 'resume', 'stdin', ...chosen], summary: 'run what changed whenever the notebook is saved, until Ctrl-C'}),
  })
  static override seeAlso = ['notebook attach', 'notebook fetch', 'notebook params', 'exec', 'runtime list']
  static override summary = 'run a notebook and write the executed copy'
  // of the flags that exclude each other oclif's own line makes no sense
  static override usage = 'notebook run [FLAGS] NOTEBOOK…'

  /** what was typed besides the notebook, for the history */
  #words: string[] = []

  async run(): Promise<NotebookRunResult | BatchResult | DetachedRun | undefined> {
    needTrust()
    const {args, flags, metadata} = await this.parse(NotebookRunCommand, joinPairs(joinRuntimes(this.argv)))
    if (flags.detach) (await import('../../detach/flags.ts')).refuseWithDetach(args.notebook, flags, outputPath(args.notebook[0] ?? '', flags))
    if (isBatch(args.notebook, flags)) {
      const {runBatch} = await import('../../batch/command.ts')
      const words = (given: Record<string, unknown>): string[] => wordsOf(given, NotebookRunCommand.flags, (name) => metadata.flags[name]?.setFromDefault === true)
      return runBatch(args.notebook, flags, {command: this, dataDir: this.config.dataDir, json: this.jsonEnabled(), quiet: this.quiet, words})
    }
    const [notebook = ''] = args.notebook
    const output = outputPath(notebook, flags)
    if (flags.out !== undefined && /[\\/]$/.test(flags.out) && !isAddress(flags.out)) await mkdir(dirname(output), {recursive: true}).catch(() => undefined) // what is wrong is said where it is written
    if (flags.stdin && notebook === '-') throw errors.usage('stdin is the notebook, so it cannot answer input()', {code: 'USAGE', fix: 'give the notebook as a file'})
    if ((flags.watch || goesByCopy(flags)) && [notebook, output].some(isAddress)) throw errors.usage('the flags under AGAIN need a notebook and a copy that are files', {code: 'USAGE', fix: 'leave them out, or give paths'})
    this.#words = wordsOf({...flags, ...(flags.out === undefined ? {} : {out: openPlace(flags.out)})}, NotebookRunCommand.flags, (name) => metadata.flags[name]?.setFromDefault === true)
    if (flags.watch) return this.#watch(notebook, flags, output)
    const reporter = await this.#reporter(flags, output)
    try {
      return await (flags.detach ? this.#detach(notebook, {flags, output, reporter}) : this.#result(notebook, {flags, output, reporter}))
    } catch (error) {
      reporter.failed(error)
      throw error
    }
  }

  async #detach(notebook: string, {flags, output, reporter}: {flags: RunFlags; output: string; reporter: Reporter}): Promise<DetachedRun | NotebookRunResult> {
    const {detachRun} = await import('../../detach/command.ts')
    const done = await detachRun(notebook, {...limitsOf(flags), flags, output, reporter, host: this, dataDir: this.config.dataDir, againOf: (prepared) => this.#again(notebook, {flags, output, prepared})})
    if (done.performed) return this.#finish(notebook, {...done, flags, output})
    const {id, runtime} = done.started
    reporter.detached?.(done.started)
    if (!this.jsonEnabled() && flags.output !== 'ndjson') this.log(inert(id))
    this.notice(`the notebook runs on ${runtime}; follow it: cgpu notebook attach ${id}; its copy so far: cgpu notebook fetch ${id}`)
    return done.started
  }

  async #result(notebook: string, {flags, output, reporter}: {flags: RunFlags; output: string; reporter: Reporter}): Promise<NotebookRunResult> {
    return this.#finish(notebook, {...await this.#perform(notebook, {flags, output, reporter}), flags, output})
  }

  async #finish(notebook: string, {performed, parameters, flags, output}: {performed: Performed; parameters: Record<string, unknown>; flags: RunFlags; output: string}): Promise<NotebookRunResult> {
    const result: NotebookRunResult = {notebook: openPlace(notebook), output: openPlace(output), ...performed.result, parameters}
    const forPeople = !this.jsonEnabled() && flags.output !== 'ndjson'
    if (performed.failure) {
      if (forPeople) process.stderr.write(performed.traceback)
      throw performed.failure({...result})
    }
    if (forPeople && output === '-') await pipeline(Readable.from(performed.chunks()), process.stdout, {end: false})
    else if (forPeople) this.log(inert(result.output))
    return result
  }

  async #perform(notebook: string, {flags, output, reporter}: {flags: RunFlags; output: string; reporter: Reporter}): Promise<{performed: Performed; parameters: Record<string, unknown>}> {
    const limits = limitsOf(flags)
    const warn = (message: string): void => void this.warn(message)
    const notice = (message: string): void => this.notice(message)
    const [{prepare}, {perform}, asked, {readNotebook}] = await Promise.all([import('../../run/prepare.ts'), import('../../run/perform.ts'), askedPlugins(this, {notebook: openPlace(notebook), output: openPlace(output)}), import('../../format/read.ts')])
    let parameters: Record<string, unknown> = {}
    // before the notebook is read: what is written there from now on is not replaced
    const remote = isAddress(output) ? await (await import('../../addresses/remote-copy.ts')).RemoteCopy.open({address: output, host: this}) : undefined
    const travel = flags.include || flags.fetch ? await (await import('../../travel/travel.ts')).planTravel({notebook, output, flags, onWarning: warn}) : undefined
    const work = async (): Promise<Performed> => {
      const prepared = await prepare(notebook, flags, warn, asked && ((given, of) => asked.parameters(given, of)), (path) => readNotebook(path, this))
      parameters = prepared.parameters
      const run = async (): Promise<Performed> => perform({
        ...prepared, ...limits, output, remote, travel, reporter, flags, warn, notice, given: {file: openPlace(notebook), args: this.#words}, cellHooks: asked?.cells, again: await this.#again(notebook, {flags, output, prepared}),
        withKernel: (request, use) => withKernel(this, request, use),
      })
      return output === '-' ? run() : (await import('../../run/alone.ts')).alone(output, this.config.dataDir, run)
    }
    return {performed: await (asked ? asked.told(work) : work()), parameters}
  }

  async #again(path: string, {flags, output, prepared: {notebook}}: {flags: RunFlags; output: string; prepared: Prepared}): Promise<Again | undefined> {
    if (!goesByCopy(flags)) return undefined
    const [{Again: Runs}, {executable}] = await Promise.all([import('../../again/again.ts'), import('../../run/run-notebook.ts')])
    return Runs.of({notebook, path, output, flags, dataDir: this.config.dataDir, cells: executable(notebook, {skipTag: flags['skip-tag']}), notice: (message) => this.notice(message)})
  }

  async #watch(notebook: string, flags: RunFlags, output: string): Promise<NotebookRunResult | undefined> {
    if (notebook === '-' || output === '-' || this.jsonEnabled() || flags.output === 'ndjson') throw errors.usage('--watch needs a notebook and a copy that are files, and prints text', {code: 'USAGE', fix: 'leave out --json and --output, and give the notebook by its path'})
    // cgpu's own, which a sandbox lacks
    const [{watchNotebook}, {reportError}] = await Promise.all([import('../../again/watch-notebook.ts'), import('@cgpu/plugin-sdk')])
    return watchNotebook(notebook, {
      output, dataDir: this.config.dataDir, keep: flags['keep-kernel'] === true, notice: (message) => this.notice(message), warn: (message) => this.warn(message),
      tell: (error) => reportError(error, {command: this.id ?? '', json: false, verbose: this.verbose, warnings: []}),
      run: async (first) => this.#result(notebook, {flags: {...flags, changed: true, 'keep-kernel': true, watch: flags['keep-kernel'] !== true, 'fresh-kernel': first && flags['fresh-kernel'] === true}, output, reporter: await this.#reporter(flags, output)}),
    })
  }

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || this.ownFlagValue('output') === 'json'
  }

  async #reporter(flags: {output?: string | undefined; 'log-output'?: boolean}, output: string): Promise<Reporter> {
    return (await import('../../run/report.ts')).reporterFor(flags, {json: this.jsonEnabled(), quiet: this.quiet, printsCopy: output === '-'})
  }
}


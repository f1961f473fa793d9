import {string as stringArg} from '@oclif/core/args'
import {boolean, option, string} from '@oclif/core/flags'
import {CgpuCommand, inert, withEnv} from '@cgpu/plugin-sdk'
import type {AttachedResult} from '../../detach/attach.ts'
import {needTrust} from '../../trusted.ts'

/** Follows a notebook that was left running. */
export default class NotebookAttach extends CgpuCommand<AttachedResult> {
  static override aliases = ['nb:attach', 'notebook:follow', 'nb:follow']
  static override args = {id: stringArg({description: 'id of the job that runs it, or a unique beginning of it', required: true})}
  static override description = `Tells its progress from the beginning, as cgpu notebook run does, brings the executed copy here now and then and at the end, and ends as the run did. Ctrl-C stops following; the notebook goes on.

Exit status: that of the run, see cgpu notebook run; 130 when it was left; 66 when its log or its copy is gone; 71 when its machine is; 73 when the copy cannot be written.`
  static override examples = [
    {command: '<%= config.bin %> notebook attach 0mibvu0c4-5f1e0a9b3c', description: 'to where notebook run --detach said'},
    {command: '<%= config.bin %> nb attach 0mibvu -o done.ipynb --log-output', description: 'to another file, with what its cells print'},
  ]
  static override flags = withEnv({
    runtime: string({helpGroup: 'RUNTIME', summary: 'the runtime that it is on, by name or unique prefix; of one that was started elsewhere', helpValue: 'NAME'}),
    out: string({char: 'o', summary: 'where the executed copy goes, a file or an address; - prints it; default: as its start said, else NAME.out.ipynb', helpValue: 'FILE'}),
    output: option({options: ['text', 'json', 'ndjson'] as const, summary: 'text for people, one JSON object, or an event a line'})(),
    'log-output': boolean({summary: 'print what cells print as it comes'}),
  })
  static override seeAlso = ['notebook fetch', 'notebook run', 'job list', 'job cancel']
  static override summary = 'follow a notebook that was left running'

  async run(): Promise<AttachedResult> {
    needTrust()
    const {args, flags} = await this.parse(NotebookAttach)
    const reporter = (await import('../../run/report.ts')).reporterFor(flags, {json: this.jsonEnabled(), quiet: this.quiet, printsCopy: flags.out === '-'})
    try {
      const [{attach}, {outputOf, printCopy}, {findRun}] = await Promise.all([import('../../detach/attach.ts'), import('../../detach/copy.ts'), import('../../detach/place.ts')])
      const found = await findRun(args.id, this.config.dataDir, flags.runtime)
      const output = await outputOf(found, flags.out)
      const {result, failure, traceback, notebook} = await attach(found, output, {reporter, runtime: flags.runtime, host: this})
      const forPeople = !this.jsonEnabled() && flags.output !== 'ndjson'
      if (failure) {
        if (forPeople) process.stderr.write(traceback)
        throw failure
      }
      if (forPeople && output === '-') await printCopy(notebook)
      else if (forPeople) this.log(inert(result.output))
      return result
    } catch (error) {
      reporter.failed(error)
      throw error
    }
  }

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || this.ownFlagValue('output') === 'json'
  }
}

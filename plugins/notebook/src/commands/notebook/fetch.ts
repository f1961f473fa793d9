import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import {CgpuCommand, inert, withEnv} from '@cgpu/plugin-sdk'
import {openPlace} from '../../addresses/address.ts'
import {needTrust} from '../../trusted.ts'

export interface FetchedCopy {
  /** of the job that runs it */
  id: string
  notebook: string
  /** where the copy is now */
  output: string
  runtime: string
  /** of the job: while it is `running`, the copy is what was executed so far */
  state: string
  exitStatus: number | null
}

/** Brings the executed copy of a notebook that was left running. */
export default class NotebookFetch extends CgpuCommand<FetchedCopy> {
  static override aliases = ['nb:fetch']
  static override args = {id: stringArg({description: 'id of the job that runs it, or a unique beginning of it', required: true})}
  static override description = `Of a notebook that runs, what was executed so far; of one that is over, all of it, also when its machine was given back since, as long as its end was seen here.

Exit status: 0, however the run ended; 66 when there is no copy, or none any more; 73 when it cannot be written.`
  static override examples = [
    {command: '<%= config.bin %> notebook fetch 0mibvu0c4-5f1e0a9b3c', description: 'to where notebook run --detach said'},
    {command: '<%= config.bin %> nb fetch 0mibvu -o so-far.ipynb', description: 'to another file'},
  ]
  static override flags = withEnv({
    runtime: string({helpGroup: 'RUNTIME', summary: 'the runtime that it is on, by name or unique prefix; of one that was started elsewhere', helpValue: 'NAME'}),
    out: string({char: 'o', summary: 'where the copy goes, a file or an address; - prints it; default: as its start said, else NAME.out.ipynb', helpValue: 'FILE'}),
  })
  static override seeAlso = ['notebook attach', 'notebook run', 'job show']
  static override summary = 'fetch the executed copy of a notebook that was left running'

  async run(): Promise<FetchedCopy> {
    needTrust()
    const {args, flags} = await this.parse(NotebookFetch)
    const [{fetchRun}, {isOver, outputOf, printCopy}, {findRun}] = await Promise.all([import('../../detach/fetch.ts'), import('../../detach/copy.ts'), import('../../detach/place.ts')])
    const found = await findRun(args.id, this.config.dataDir, flags.runtime)
    const {notebook, job: {id, runtime, state, exitStatus}} = found
    const output = await outputOf(found, flags.out)
    const copy = await fetchRun(found, output, this)
    if (!isOver(state)) this.notice(`it runs; follow it: cgpu notebook attach ${id}`)
    if (output === '-' && !this.jsonEnabled()) await printCopy(copy)
    else this.log(inert(openPlace(output)))
    return {id, notebook, output: openPlace(output), runtime, state, exitStatus}
  }
}

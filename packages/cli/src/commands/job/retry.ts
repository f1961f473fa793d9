import {resolve} from 'node:path'
import {string as stringArg} from '@oclif/core/args'
import {errors} from '@cgpu/core/errors'
import {isOver} from '@cgpu/core/job/record'
import {jobsOf} from '@cgpu/core/job/of'
import {addVariables} from '../../run/job-variables.ts'
import {runRequest} from '../../run/request.ts'
import type {RunResult} from '../../run-command.ts'
import Run from '../run.ts'

/** Runs a job again, as a new one. */
export default class JobRetry extends Run {
  static override args = {id: stringArg({description: 'id of the job, or a unique beginning of it', required: true})}
  // oclif finds those of a class whose parent is a command only here
  static override baseFlags = Run.baseFlags
  static override description = 'The same script or command with the same arguments, files, packages, outputs and secrets; as they are now. Variables are taken from the environment, as their values are kept nowhere. It runs where the job ran, or, when that runtime is gone, on a new one of the same kind. Flags say what is to be different.'
  static override examples = [
    {command: '<%= config.bin %> job retry 0mibvu0c4-5f1e0a9b3c', description: 'once more'},
    {command: '<%= config.bin %> job retry 0mibvu --detach --env EPOCHS=40', description: 'in the background, with another variable'},
  ]
  static override flags = Run.flags
  static override remoteArgs = false
  static override seeAlso = ['job list', 'history rerun']
  static override strict = true
  static override summary = 'run a job again'
  static override usage = ['job retry ID [FLAGS of run]']

  override async run(): Promise<RunResult> {
    const {args, flags} = await this.parse(JobRetry)
    const cgpu = await this.open(flags)
    const job = await jobsOf(cgpu).remembered(args.id)
    if (!job) throw errors.notFound(`no job ${args.id} was started from here`, {code: 'JOB_NOT_FOUND', fix: 'see what was: cgpu job list', details: {id: args.id}})
    const {request, runtime, spec, outputDir} = job
    const {script, command = []} = request
    const rest = script ? [script.path, ...script.args] : command
    const chosen = flags.runtime !== undefined || flags.gpu !== undefined || flags.tpu !== undefined || flags.cpu || flags.provider !== undefined
    const there = (await cgpu.runtimes.remembered()).some(({id}) => id === runtime.id)
    const machine = chosen ? {} : there && !job.releases ? {runtime: runtime.id} : {provider: spec.provider, ...spec.settings}
    const again = {
      ...machine, ...flags, requirements: flags.requirements ?? request.requirements, cwd: flags.cwd ?? request.remoteCwd,
      // one that nothing comes back to may be gone
      'output-dir': flags['output-dir'] ?? (request.outputs.length > 0 ? outputDir : undefined),
      // what is new is meant from here
      include: flags.include?.map((path) => resolve(path)),
      'max-restarts': flags['max-restarts'] ?? request.restarts?.max, checkpoint: flags.checkpoint ?? request.restarts?.checkpoint,
      'resume-cmd': flags['resume-cmd'] ?? request.restarts?.resume,
      secret: [...new Set([...request.secretNames, ...(flags.secret ?? [])])],
    }
    const asked = await runRequest(again, rest, script === undefined, {cwd: request.cwd, env: process.env})
    // a script's own lists are in both
    for (const list of ['include', 'packages', 'outputs'] as const) asked.run[list] = [...new Set([...request[list], ...asked.run[list]])]
    addVariables(job, asked.run.env, 'retry')
    if (!isOver(job.seen?.state)) this.trace(`${job.id} may still be running`)
    return this.start({...again, secret: again.secret.length > 0 ? again.secret : undefined}, asked, rest, job.id)
  }
}

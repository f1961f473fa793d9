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
    const {args, flags: parsed, raw} = await this.parse(JobRetry)
    const flags = withoutMachine(parsed, raw)
    const cgpu = await this.open(flags)
    const job = await jobsOf(cgpu).remembered(args.id)
    if (!job) throw errors.notFound(`no job ${args.id} was started from here`, {code: 'JOB_NOT_FOUND', fix: 'see what was: cgpu job list', details: {id: args.id}})
    const {request, runtime, spec, outputDir} = job
    const {script, command = []} = request
    const rest = script ? [script.path, ...script.args] : command
    const chosen = ['runtime', 'provider', 'gpu', 'tpu', 'cpu'].some((name) => isTyped(raw, name))
    const there = (await cgpu.runtimes.remembered()).some(({id}) => id === runtime.id)
    // said in full, as the environment would be heard else; what there is suits a cpu
    const plain = {cpu: spec.settings['gpu'] === undefined && spec.settings['tpu'] === undefined, 'high-ram': false}
    const machine = chosen ? {} : there && !job.releases ? {runtime: runtime.id, cpu: true} : {...plain, provider: spec.provider, ...spec.settings}
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

type Tokens = readonly {type: string; flag?: string}[]

/** On the command line of this call: what the environment says is meant for runs in general, not for the machine of this job. */
const isTyped = (raw: Tokens, name: string): boolean => raw.some(({type, flag}) => type === 'flag' && flag === name)

/** Without what the environment alone says of the machine, unless a flag chose another one. */
function withoutMachine<F extends Record<string, unknown>>(flags: F, raw: Tokens): F {
  const which = ['runtime', 'provider', 'gpu', 'tpu', 'cpu']
  if (which.some((name) => isTyped(raw, name))) return flags
  const left = Object.entries(flags).filter(([name]) => ![...which, 'high-ram', 'image'].includes(name) || isTyped(raw, name))
  return Object.fromEntries(left) as F // all of those are optional
}

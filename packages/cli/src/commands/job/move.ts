import {string as stringArg} from '@oclif/core/args'
import {string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import {jobsOf} from '@cgpu/core/job/of'
import {parseEnvAssignments, parseEnvFile} from '@cgpu/core/script/env-file'
import {withEnv} from '@cgpu/plugin-sdk'
import {leaveToDaemon} from '../../daemon/start-later.ts'
import {readSmallFile} from '../../input.ts'
import {JobCommand} from '../../job-command.ts'
import {type MovedJob, moveJob} from '../../run/move-job.ts'

/** Goes on with a job whose machine is gone, on another one. */
export default class JobMove extends JobCommand<MovedJob> {
  static override args = {id: stringArg({description: 'id of the job, or a unique beginning of it', required: true})}
  static override description = `For jobs that were started with --max-restarts. Another machine like the one that is gone is made; it gets the files and the checkpoints that were copied, and the job goes on there from the newest. That counts as a restart. The daemon runs this command by itself for detached jobs.

Variables whose values are kept nowhere are taken from the environment, or given with --env; secrets come from where cgpu run takes them.`
  static override examples = [
    {command: '<%= config.bin %> job move 0mibvu0c4-5f1e0a9b3c', description: 'go on with it on another machine'},
    {command: '<%= config.bin %> job move 0mibvu --env EPOCHS=40', description: 'the same for a job that was given this variable'},
  ]
  static override flags = withEnv({
    env: string({char: 'e', multiple: true, summary: 'set NAME=VALUE for the program; NAME alone takes it from here', helpValue: 'NAME[=VALUE]'}),
    'env-file': string({multiple: true, summary: 'set the variables of this .env file', helpValue: 'FILE'}),
  })
  static override seeAlso = ['job retry', 'job show', 'daemon status']
  static override summary = 'go on with a job whose machine is gone'

  async run(): Promise<MovedJob> {
    const {args, flags} = await this.parse(JobMove)
    const job = await jobsOf(await this.open(flags)).remembered(args.id)
    if (!job) throw errors.notFound(`no job ${args.id} was started from here`, {code: 'JOB_NOT_FOUND', fix: 'see what was: cgpu job list', details: {id: args.id}})
    const env = await givenVariables(flags)
    const {provider, settings} = job.spec
    const cgpu = await this.open({...flags, provider, ...settings})
    const sink = await this.sink({output: undefined, imageDir: '.'})
    const abort = this.abortOnSignals()
    const moved = await moveJob(job.id, {
      cgpu, host: this, env, secrets: (names) => this.#secrets(cgpu, names, job.request.cwd),
      onEvent: sink.onEvent, say: (line) => this.notice(line), signal: abort.signal,
    }).finally(abort.dispose)
    await leaveToDaemon(cgpu.dirs, cgpu.settings)
    await sink.end({id: moved.id, exitStatus: 0, durationSeconds: 0, status: 'detached'})
    this.log(`moved ${moved.id} from ${moved.from} to ${moved.runtime}`)
    this.notice(`follow it: cgpu job attach ${moved.id}`)
    return moved
  }

  /** As the command that started the job found them: from that one's folder. */
  async #secrets(cgpu: Cgpu, names: string[], cwd: string): Promise<Record<string, string>> {
    const [{SecretGrants}, {openSecrets}] = await Promise.all([import('@cgpu/core/secrets/grants'), import('../../run/secrets.ts')])
    return (await SecretGrants.of(names, openSecrets(this.secretPlaces(cgpu), cwd))).env()
  }
}

async function givenVariables(flags: {env?: string[] | undefined; 'env-file'?: string[] | undefined}): Promise<Record<string, string>> {
  const files = await Promise.all((flags['env-file'] ?? []).map(async (path) => parseEnvFile(await readSmallFile(path, 'env file', 1 << 20), path)))
  return Object.assign({}, ...files, parseEnvAssignments(flags.env ?? [], process.env)) as Record<string, string> // all of them are
}

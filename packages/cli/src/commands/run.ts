import {boolean, integer, string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {outputFlag, runtimeFlag, specFlags} from '../flags.ts'
import {runRequest} from '../run/request.ts'
import {RunCommand, type RunResult} from '../run-command.ts'
import {secretFlag} from '../secret-flag.ts'

/** Runs a script or a command as a process on a runtime. */
export default class Run extends RunCommand {
  static override description = `Makes a runtime for the run, or uses one that is there; uploads the script and what it needs; runs it with its own exit status, stdout, stderr and stdin; brings the outputs back; releases what it made. Everything behind the script, or behind --, belongs to the remote program.

A script may hold its own settings in a comment block:

    # /// cgpu
    # packages = ["numpy"]
    # outputs = ["model.json"]
    # ///

Exit status: that of the remote program (128+n when signal n killed it), 64 to 73 when cgpu could not run it; see cgpu help exit-codes.`
  static override examples = [
    {command: '<%= config.bin %> run examples/train.py --epochs 20', description: 'run a script; --epochs is its own argument'},
    {command: '<%= config.bin %> run --outputs "*.csv" --output-dir results -- sh -c "date > when.csv"', description: 'run a command and bring a file back'},
    {command: '<%= config.bin %> run -r trainer --secret WANDB_API_KEY train.py', description: 'on the runtime trainer, with a secret as a variable'},
    {command: '<%= config.bin %> run --detach train.py', description: 'start it, print its id, and leave it running'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...specFlags,
    ...outputFlag,
    ...secretFlag,
    ...withEnv({
      checkpoint: string({summary: 'files of the program that it can go on from', helpValue: 'GLOB'}),
      cwd: string({summary: 'folder on the runtime to run in, below its working folder', helpValue: 'DIR'}),
      detach: boolean({char: 'd', summary: 'print the id of the job and leave it running'}),
      env: string({char: 'e', multiple: true, summary: 'set NAME=VALUE for the program; NAME alone takes it from here', helpValue: 'NAME[=VALUE]'}),
      'env-file': string({multiple: true, summary: 'set the variables of this .env file', helpValue: 'FILE'}),
      'idempotency-key': string({summary: 'run it once only, however often this command is given with this key', helpValue: 'KEY'}),
      include: string({char: 'i', multiple: true, summary: 'upload this file or folder too', helpValue: 'PATH'}),
      keep: boolean({summary: 'keep the runtime that the run made'}),
      'keep-stdin': boolean({summary: 'leave the stdin of a detached job open, for cgpu job attach --stdin'}),
      'max-restarts': integer({min: 0, max: 1000, summary: 'start the program again when it fails, so many times', helpValue: 'N'}),
      outputs: string({char: 'o', multiple: true, summary: 'bring back the files that match this pattern', helpValue: 'GLOB'}),
      'output-dir': string({summary: 'where outputs go; default: the current folder', helpValue: 'DIR'}),
      packages: string({char: 'p', multiple: true, summary: 'install these packages first, separated by commas', helpValue: 'NAMES'}),
      requirements: string({summary: 'install what this requirements file lists first', helpValue: 'FILE'}),
      'resume-cmd': string({summary: 'what to run instead when it is started again; {latest} is the newest checkpoint', helpValue: 'COMMAND'}),
    }),
  }
  static override remoteArgs = true
  static override seeAlso = ['job list', 'job attach', 'job logs', 'why']
  static override strict = false
  static override summary = 'run a script or command on a runtime'
  static override usage = ['run [FLAGS] SCRIPT [ARGS…]', 'run [FLAGS] -- COMMAND…']

  async run(): Promise<RunResult> {
    const {flags, rest, separator} = await this.parseRemote(Run)
    return this.start(flags, await runRequest(flags, rest, separator, {cwd: process.cwd(), env: process.env}), rest)
  }
}

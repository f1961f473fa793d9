import {spawn} from 'node:child_process'
import {constants} from 'node:os'
import {string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../flags.ts'
import {SshCommand, sshFlags} from '../ssh-command.ts'

interface SshResult {
  runtime: string
  exitStatus: number
}

/** Runs this computer's ssh against a machine. */
export default class Ssh extends SshCommand<SshResult> {
  static override description = 'By the provider\'s own SSH where it has one (Colab: as root, one session at a time), else by the machine\'s own SSH server, through cgpu: nothing is opened to others. For scp, rsync, git and editors: cgpu ssh config.\n\nExit status: that of ssh, which is the command\'s, or 255.'
  static override examples = [
    {command: '<%= config.bin %> ssh trainer', description: 'a login shell'},
    {command: '<%= config.bin %> ssh trainer nvidia-smi', description: 'one command'},
    {command: '<%= config.bin %> ssh -r trainer -- -L 5432:db:5432 true', description: 'what begins with a dash is for ssh itself'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...sshFlags,
    ...withEnv({login: string({char: 'l', summary: 'the user on the machine', helpValue: 'USER'})}),
  }
  static override remoteArgs = true
  static override seeAlso = ['ssh config', 'port connect', 'port forward']
  static override strict = false
  static override summary = 'connect to a machine by SSH'
  static override usage = ['ssh [NAME] [COMMAND…]', 'ssh -r NAME -- [SSH OPTIONS] [COMMAND…]']

  async run(): Promise<SshResult> {
    const {flags, rest, separator} = await this.parseRemote(Ssh)
    const named = !separator && flags.runtime === undefined ? rest[0] : undefined
    const words = named === undefined ? rest : rest.slice(rest[1] === '--' ? 2 : 1)
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.select(named ?? flags.runtime)
    const options = await this.optionsFor(cgpu, runtime, flags)
    const [forSsh, command] = split(words)
    const status = await runSsh([...options.flatMap(([name, value]) => ['-o', `${name}=${value}`]), ...forSsh, `cgpu-${runtime.name}`, ...command], this.jsonEnabled())
    this.exitWith(status)
    return {runtime: runtime.name, exitStatus: status}
  }
}

/** Options of ssh that take a value, from its synopsis. */
const valued = new Set('BbcDEeFIiJLlmOoPpQRSWw')

/** ssh's own options come first; the command is what follows them. */
function split(words: readonly string[]): [string[], string[]] {
  let at = 0
  while (words[at]?.startsWith('-')) {
    if (words[at] === '--') return [words.slice(0, at), words.slice(at + 1)]
    at += valued.has(words[at]?.at(-1) ?? '') && words[at]?.length === 2 ? 2 : 1
  }
  return [words.slice(0, at), words.slice(at)]
}

/** Resolves with its status. With `quietly`, stdout is not the program's. Throws NO_SSH_CLIENT (64). */
async function runSsh(args: readonly string[], quietly: boolean): Promise<number> {
  const child = spawn('ssh', args, {stdio: ['inherit', quietly ? 2 : 'inherit', 'inherit']})
  const ignore = (): void => undefined // ssh has it too, and knows what to do
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, ignore)
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, pass)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status, signal) => resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    })
  } catch (error) {
    throw errors.usage('this computer has no ssh', {code: 'NO_SSH_CLIENT', category: 'file', fix: 'install OpenSSH\'s client; without it: cgpu exec, cgpu run', cause: error})
  } finally {
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.off(signal, ignore)
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, pass)
  }
}

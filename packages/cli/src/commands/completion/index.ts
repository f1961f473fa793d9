import {string} from '@oclif/core/args'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {completionScript, type Shell, shellOf, shells} from '../../completion/scripts.ts'

/** Prints the completion script of a shell. */
export default class Completion extends CgpuCommand<{shell: Shell | null; script: string | null}> {
  static override args = {shell: string({description: 'your shell', options: [...shells]})}
  static override description = `Completes commands, flags, their values, and live names: runtimes, jobs, kernels, terminals, schedules, secrets, settings, accelerators, paths on a runtime. The script asks cgpu each time, so that it is never out of date.

cgpu completion install puts it where your shell finds it.`
  static override examples = [
    {command: '<%= config.bin %> completion', description: 'how to set it up'},
    {command: 'eval "$(<%= config.bin %> completion bash)"', description: 'completion in this bash only'},
  ]
  static override seeAlso = ['completion install', 'completion uninstall']
  static override standalone = true
  static override summary = 'tab completion for bash, zsh, fish or PowerShell'

  async run(): Promise<{shell: Shell | null; script: string | null}> {
    const {args} = await this.parse(Completion)
    const shell = shells.find((one) => one === args.shell)
    if (shell === undefined) {
      this.log(`cgpu completion install ${shellOf(process.env) ?? 'SHELL'}\n  SHELL is one of ${shells.join(', ')}; cgpu completion SHELL prints its script`)
      return {shell: null, script: null}
    }
    const script = completionScript(shell)
    if (!this.jsonEnabled()) process.stdout.write(script)
    return {shell, script}
  }
}

import {basename} from 'node:path'
import {string} from '@oclif/core/args'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {completionScript, installLines, type Shell, shells} from '../completion/scripts.ts'

/** Prints the completion script of a shell. */
export default class Completion extends CgpuCommand<{shell: Shell | null; script: string | null; install: string | Record<Shell, string>}> {
  static override args = {shell: string({description: 'your shell', options: [...shells]})}
  static override description = `Completes commands, flags, their values, and live names: runtimes, kernels, accelerators, settings, and paths on a runtime.\n\nTo install it:\n${shells.map((shell) => `\n  ${shell}:  ${installLines[shell]}`).join('')}`
  static override examples = [
    {command: '<%= config.bin %> completion', description: 'how to install it'},
    {command: 'eval "$(<%= config.bin %> completion bash)"', description: 'completion in this bash'},
  ]
  static override standalone = true
  static override summary = 'set up tab completion for bash, zsh or fish'

  async run(): Promise<{shell: Shell | null; script: string | null; install: string | Record<Shell, string>}> {
    const {args} = await this.parse(Completion)
    const shell = shells.find((one) => one === args.shell)
    if (shell !== undefined) {
      const script = completionScript(shell)
      if (!this.jsonEnabled()) process.stdout.write(script)
      return {shell, script, install: installLines[shell]}
    }
    const mine = shells.find((one) => one === basename(process.env['SHELL'] ?? ''))
    const listed = mine === undefined ? shells : [mine, ...shells.filter((one) => one !== mine)]
    this.log(listed.map((one) => `${one}:\n  ${installLines[one]}`).join('\n'))
    return {shell: null, script: null, install: installLines}
  }
}

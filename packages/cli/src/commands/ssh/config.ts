import {join} from 'node:path'
import {boolean} from '@oclif/core/flags'
import {CgpuError} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {withEnv} from '@cgpu/plugin-sdk'
import {SshCommand, sshFlags} from '../../ssh-command.ts'

interface SshConfig {
  hosts: {host: string; runtime: string}[]
  text: string
  /** null: it was only printed */
  path: string | null
}

/** Says how ssh reaches machines, for its configuration. */
export default class SshConfigCommand extends SshCommand<SshConfig> {
  static override description = 'A Host for each, named cgpu-NAME: with it scp, rsync, git, VS Code Remote-SSH and whatever else speaks SSH reach the machine. Without names: all that SSH can reach. --write puts them into a file of cgpu\'s own, in place of what it held, and says which line to add to yours; ~/.ssh is never written to.'
  static override examples = [
    {command: '<%= config.bin %> ssh config trainer', description: 'print it'},
    {command: '<%= config.bin %> ssh config --write', description: 'write it, for an Include'},
  ]
  static override flags = {...sshFlags, ...withEnv({write: boolean({summary: 'into a file of cgpu\'s own, for an Include'})})}
  static override seeAlso = ['ssh', 'port connect']
  static override strict = false
  static override summary = 'print the configuration by which ssh reaches machines'
  static override usage = ['ssh config [NAME…] [--write]']

  async run(): Promise<SshConfig> {
    const {argv, flags} = await this.parse(SshConfigCommand)
    const cgpu = await this.open(flags)
    const named = argv.length > 0
    const runtimes = named ? await Promise.all(argv.map((query) => cgpu.runtimes.select(String(query)))) : await cgpu.runtimes.remembered()
    const hosts: {host: string; runtime: string; block: string}[] = []
    for (const runtime of runtimes) {
      try {
        const options = await this.optionsFor(cgpu, runtime, flags)
        const host = `cgpu-${runtime.name}`
        hosts.push({host, runtime: runtime.name, block: [`Host ${host}`, ...options.map(([name, value]) => `  ${name} ${value}`)].join('\n')})
      } catch (error) {
        // one of many that SSH does not reach is left out
        if (named || !(error instanceof CgpuError)) throw error
        this.warn(`${runtime.name} is left out: ${error.message}`)
      }
    }
    const text = hosts.map(({block}) => `${block}\n`).join('\n')
    const path = flags.write ? join(cgpu.dirs.config, 'ssh_config') : null
    if (path === null) {
      if (text !== '') this.log(text.trimEnd())
      else this.notice('no runtime that SSH can reach')
    } else {
      await writeAtomic(path, `# written by cgpu ssh config --write\n${text}`)
      this.log(`wrote ${hosts.map(({host}) => host).join(', ') || 'no host'} to ${path}`)
      this.notice(`once, at the top of ~/.ssh/config: Include "${path}"`)
    }
    return {hosts: hosts.map(({host, runtime}) => ({host, runtime})), text, path}
  }
}

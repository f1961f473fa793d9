import {type CompletionChange, CompletionCommand, dryRunFlag, shellArg} from '../../completion-command.ts'
import {uninstall} from '../../completion/install.ts'

/** Takes away what `cgpu completion install` wrote. */
export default class CompletionUninstall extends CompletionCommand {
  static override args = {shell: shellArg}
  static override examples = [
    {command: '<%= config.bin %> completion uninstall bash --dry-run', description: 'which files it would change'},
    {command: '<%= config.bin %> completion uninstall fish', description: 'for fish'},
  ]
  static override flags = dryRunFlag
  static override seeAlso = ['completion install']
  static override standalone = true
  static override summary = 'undo completion install'

  async run(): Promise<CompletionChange> {
    const {args, flags} = await this.parse(CompletionUninstall)
    const {shell, place} = await this.place(args.shell)
    const done = {shell, changes: await uninstall(place, flags['dry-run']), dryRun: flags['dry-run']}
    this.tell(done)
    return done
  }
}

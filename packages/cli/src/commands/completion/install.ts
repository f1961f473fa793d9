import {type CompletionChange, CompletionCommand, dryRunFlag, shellArg} from '../../completion-command.ts'
import {install} from '../../completion/install.ts'
import {completionScript} from '../../completion/scripts.ts'

/** Puts the completion script where the shell finds it. */
export default class CompletionInstall extends CompletionCommand {
  static override args = {shell: shellArg}
  static override description = 'For bash, zsh and PowerShell the script goes to cgpu\'s data folder, and three lines at the end of ~/.bashrc (macOS: ~/.bash_profile), ~/.zshrc or PowerShell\'s profile read it; fish finds it by itself. Done twice it changes nothing.'
  static override examples = [
    {command: '<%= config.bin %> completion install bash --dry-run', description: 'which files it would change'},
    {command: '<%= config.bin %> completion install fish', description: 'for fish'},
  ]
  static override flags = dryRunFlag
  static override seeAlso = ['completion', 'completion uninstall']
  static override standalone = true
  static override summary = 'set up tab completion'

  async run(): Promise<CompletionChange> {
    const {args, flags} = await this.parse(CompletionInstall)
    const {shell, place} = await this.place(args.shell)
    const done = {shell, changes: await install(place, completionScript(shell), flags['dry-run']), dryRun: flags['dry-run']}
    this.tell(done)
    if (!done.dryRun && done.changes.some(({change}) => change !== 'unchanged')) this.notice(`completion works in each ${shell} that is started from now on`)
    return done
  }
}

import {pathToFileURL} from 'node:url'
import {runtimeArg} from '../flags.ts'
import {portFlag, printFlag, ProxyCommand, type ProxyView} from '../proxy-command.ts'

export interface CodeView extends ProxyView {
  /** opens VS Code with this folder */
  link: string
  opened: boolean
}

/** Opens VS Code, and says how it attaches to a runtime. */
export default class Code extends ProxyCommand<CodeView> {
  static override args = {name: runtimeArg}
  static override description = 'VS Code has no link that attaches a Jupyter server: this opens VS Code with the current folder, and prints the address to paste there: Select Kernel, Existing Jupyter Server, Enter the URL. It is served until Ctrl-C (see `cgpu jupyter proxy`); where one is open already, that one is used.'
  static override examples = [
    {command: '<%= config.bin %> code trainer', description: 'open VS Code here, and print the address to paste'},
    {command: '<%= config.bin %> code trainer --print', description: 'only print it'},
  ]
  static override flags = {...portFlag, ...printFlag}
  static override seeAlso = ['jupyter proxy', 'lab']
  static override summary = 'use a runtime from VS Code'

  async run(): Promise<CodeView> {
    const {args, flags} = await this.parse(Code)
    return this.serve({name: args.name, flags, share: true}, async ({runtime, url, port, token, pid}) => {
      this.log(url)
      const link = folderLink(process.cwd())
      const opened = !flags.print && !this.jsonEnabled() && (await (await import('@cgpu/accounts/browser')).openBrowser(link))
      if (!opened && !flags.print) this.notice(`VS Code could not be opened from here; this link does it: ${link}`)
      this.notice('in a notebook: Select Kernel, Existing Jupyter Server, Enter the URL; paste the address')
      if (pid === process.pid) this.notice(`this is ${runtime} until Ctrl-C; whoever has the address can use it`)
      return {result: {runtime, url, port, token, pid, link, opened}, stay: true}
    })
  }
}

/** As VS Code's documentation has it; the slash at the end says that it is a folder. */
function folderLink(folder: string): string {
  return `vscode://file${pathToFileURL(folder).pathname.replace(/\/*$/, '/')}`
}

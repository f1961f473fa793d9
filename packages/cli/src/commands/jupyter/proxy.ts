import {runtimeArg} from '../../flags.ts'
import {portFlag, ProxyCommand, type ProxyView} from '../../proxy-command.ts'

/** Serves a runtime as a Jupyter server on this machine. */
export default class JupyterProxy extends ProxyCommand<ProxyView> {
  static override args = {name: runtimeArg}
  static override description = 'VS Code, PyCharm, JupyterLab and every other Jupyter client take the address that it prints as that of a plain server. It listens on 127.0.0.1 only and wants its token, which is another one each time; the runtime\'s own credentials stay underneath, and are renewed there. It serves until Ctrl-C, or until the runtime is gone; the runtime stays. While somebody works through it, the runtime is kept from being taken away as idle: an open page alone does not count.'
  static override examples = [
    {command: '<%= config.bin %> jupyter proxy trainer', description: 'print the address and serve until Ctrl-C'},
    {command: '<%= config.bin %> jupyter proxy trainer --port 8889', description: 'always on the same port'},
  ]
  static override flags = portFlag
  static override seeAlso = ['code', 'lab']
  static override summary = 'serve a runtime as a Jupyter server on this machine'

  async run(): Promise<ProxyView> {
    const {args, flags} = await this.parse(JupyterProxy)
    return this.serve({name: args.name, flags, share: false}, async ({runtime, url, port, token, pid}) => {
      this.log(url)
      this.notice(`this is ${runtime} until Ctrl-C; whoever has the address can use it`)
      return {result: {runtime, url, port, token, pid}, stay: true}
    })
  }
}

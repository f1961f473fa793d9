import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import type {Runtime} from '@cgpu/core/runtime/record'
import {withEnv} from '@cgpu/plugin-sdk'
import {readSmallFile, readToken} from '../../input.ts'
import {describeRuntime} from '../../render/runtimes.ts'
import {WorkCommand} from '../../work-command.ts'

/** Remembers a Jupyter server that runs already. */
export default class RuntimeAdd extends WorkCommand<Runtime> {
  static override args = {url: stringArg({description: 'address of the server, as in the browser', required: true})}
  static override examples = [
    {command: '<%= config.bin %> runtime add https://lab.example.com/user/me/ --token-stdin --name lab < token.txt', description: 'a JupyterHub user server, its token from a file'},
    {command: '<%= config.bin %> runtime add http://127.0.0.1:8888 --token-stdin --name here', description: 'a server on this machine; asks for the token on a terminal'},
  ]
  static override flags = withEnv({
    ca: string({summary: 'PEM file of the authority that signed the server\'s certificate', helpValue: 'FILE'}),
    name: string({summary: 'what to call it; default: a made-up name', helpValue: 'NAME'}),
    'token-stdin': boolean({summary: 'read the token from stdin'}),
  })
  static override summary = 'add a running Jupyter server as a runtime'

  async run(): Promise<Runtime> {
    const {args, flags} = await this.parse(RuntimeAdd)
    const cgpu = await this.open(flags)
    const ca = flags.ca === undefined ? undefined : await readSmallFile(flags.ca, 'certificate file')
    const token = flags['token-stdin'] ? await readToken() : undefined
    const abort = this.abortOnSignals()
    try {
      const runtime = await cgpu.runtimes.add(
        'jupyter',
        {url: args.url, signal: abort.signal, ...(token === undefined ? {} : {token}), ...(ca === undefined ? {} : {ca})},
        flags.name,
      )
      this.log(describeRuntime(runtime))
      return runtime
    } finally {
      abort.dispose()
    }
  }
}

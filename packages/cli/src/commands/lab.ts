import {pathToFileURL} from 'node:url'
import {errors} from '@cgpu/core/errors'
import {RunningProxies} from '@cgpu/core/jupyter-proxy/running'
import {runtimeArg} from '../flags.ts'
import {portFlag, printFlag, ProxyCommand, type ProxyView, type Way} from '../proxy-command.ts'

export interface LabView extends Pick<ProxyView, 'runtime'> {
  /** the page to open */
  url: string
  /** `jupyterlab`, through this machine; `provider`: the provider's own page */
  kind: 'jupyterlab' | 'provider'
  opened: boolean
}

/** Opens a runtime in the browser. */
export default class Lab extends ProxyCommand<LabView> {
  static override args = {name: runtimeArg}
  static override description = 'Opens JupyterLab where the runtime\'s server has it, by an address of this machine that is served until Ctrl-C (see `cgpu jupyter proxy`); where one is open already, that one is used. Else it is the provider\'s own page, such as Colab\'s notebook.'
  static override examples = [
    {command: '<%= config.bin %> lab trainer', description: 'open it in the browser'},
    {command: '<%= config.bin %> lab trainer --print', description: 'only print where it is'},
  ]
  static override flags = {...portFlag, ...printFlag}
  static override seeAlso = ['jupyter proxy', 'code', 'runtime url']
  static override summary = 'open a runtime\'s JupyterLab in the browser'

  async run(): Promise<LabView> {
    const {args, flags} = await this.parse(Lab)
    return this.serve({name: args.name, flags, share: true}, async (way) => {
      const lab = await hasLab(way)
      const url = lab ? way.page('lab') : await this.#providersPage(way)
      this.log(url)
      const opened = !flags.print && !this.jsonEnabled() && (await openPage(lab ? await doorstep(way, url) : url))
      if (!opened && !flags.print) this.notice('no browser could be opened here: open the address yourself')
      if (lab && way.pid === process.pid) this.notice(`this is ${way.runtime} until Ctrl-C; whoever has the address can use it`)
      return {result: {runtime: way.runtime, url, kind: lab ? 'jupyterlab' : 'provider', opened}, stay: lab}
    })
  }

  async #providersPage({cgpu, runtime, record}: Way): Promise<string> {
    const provider = await cgpu.runtimes.provider(record.provider)
    if (provider.capabilities.browser && provider.browserUrl) return provider.browserUrl(record.providerId)
    throw errors.notFound(`the server of ${runtime} has no JupyterLab`, {
      code: 'LAB_MISSING', fix: `use another client: cgpu code ${runtime}, or cgpu jupyter proxy ${runtime} and a JupyterLab of this machine (docs/editors.md)`,
    })
  }
}

async function openPage(url: string): Promise<boolean> {
  return (await import('@cgpu/accounts/browser')).openBrowser(url)
}

/** What the browser is started with. A browser of Windows does not see the files of its Linux. */
async function doorstep({cgpu, pid, port}: Way, url: string): Promise<string> {
  if (process.env['WSL_DISTRO_NAME']) return url
  return pathToFileURL(await new RunningProxies(cgpu.dirs.state).doorstep({pid, port}, url)).href
}

/** Asked by the way that people will take. */
async function hasLab({page}: Way): Promise<boolean> {
  const {JupyterError, JupyterServer} = await import('@cgpu/jupyter')
  const {origin, pathname, searchParams} = new URL(page(''))
  const server = new JupyterServer({url: `${origin}${pathname}`, token: searchParams.get('token') ?? ''})
  try {
    await server.request('GET', 'lab', {raw: true})
    return true
  } catch (error) {
    if (error instanceof JupyterError && error.code !== 'NETWORK') return false
    throw error
  } finally {
    server.close()
  }
}

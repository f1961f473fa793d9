import {once} from 'node:events'
import {type IncomingHttpHeaders, request} from 'node:http'
import {connect} from 'node:net'
import {Cgpu} from '@cgpu/core/cgpu'
import {openJupyterProxy, type OpenProxy, type OpenProxyOptions} from '@cgpu/core/jupyter-proxy/open'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {type ChaosProxy, startChaos} from './chaos.ts'
import {type SealedHome, sealedHome} from './cli.ts'
import {startJupyter, type StartJupyterOptions, type TestJupyter} from './jupyter-server.ts'

/** A real Jupyter server behind a proxy that misbehaves, and cgpu's Jupyter proxy before that. */
export interface ProxyBed {
  jupyter: TestJupyter
  chaos: ChaosProxy
  home: SealedHome
  cgpu: Cgpu
  proxy: OpenProxy
  /** what was told of the runtime's link */
  links: string[]
  stop(): Promise<void>
}

export async function startProxyBed(jupyterOptions: StartJupyterOptions = {}, options: OpenProxyOptions = {}): Promise<ProxyBed> {
  const home = await sealedHome()
  const jupyter = await startJupyter({...jupyterOptions, env: {HOME: home.path, ...jupyterOptions.env}})
  const chaos = await startChaos(jupyter.port)
  const cgpu = await Cgpu.open({
    dirs: resolveDirs(home.env), env: home.env, cwd: home.cwd,
    providers: [{id: 'jupyter', source: 'test', load: async () => (await import('@cgpu/provider-jupyter')).createProvider}],
  })
  await cgpu.runtimes.add('jupyter', {url: chaos.url(new URL(jupyter.url).pathname), ...(jupyter.token === '' ? {} : {token: jupyter.token})}, 'bed')
  const links: string[] = []
  const proxy = await openJupyterProxy(cgpu, await cgpu.runtimes.select('bed'), {pingMs: 200, lookMs: 100, onLink: (state) => links.push(state), ...options})
  return {
    jupyter, chaos, home, cgpu, proxy, links,
    async stop() {
      await proxy.close()
      await chaos.close()
      await jupyter.stop()
      await home.remove()
    },
  }
}

export interface Asked {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** One request to a proxy; with its token unless there are other headers for it. */
export function ask({url, token}: Pick<OpenProxy, 'url' | 'token'>, path: string, init: {method?: string; headers?: Record<string, string>; body?: Buffer | string; anonymous?: boolean} = {}): Promise<Asked> {
  const {method = 'GET', headers = {}, body, anonymous = false} = init
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), {method, agent: false, headers: {...(anonymous ? {} : {authorization: `token ${token}`}), ...headers}}, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject)
      response.once('end', () => resolve({status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks)}))
    })
    sent.once('error', reject).end(body)
  })
}

/** What the port answers to these very bytes, until it closes the connection. */
export async function sendRaw(port: number, lines: string[], body = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let text = ''
  socket.on('data', (chunk: string) => (text += chunk)).on('error', () => undefined)
  const closing = lines.some((line) => line.startsWith('Connection:')) ? lines : [...lines, 'Connection: close']
  socket.end(`${closing.join('\r\n')}\r\n\r\n${body}`)
  await once(socket, 'close')
  return text
}

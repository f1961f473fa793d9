import {once} from 'node:events'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {Machine, MachineHost, MachineSpec} from '@cgpu/emulator/contract'
import {createClock} from '@cgpu/emulator/world/clock'
import {type WorldConfigInput, worldConfig} from '@cgpu/emulator/world/config'
import {createDice} from '@cgpu/emulator/world/dice'
import {World} from '@cgpu/emulator/world/world'
import {controlHandler} from '@cgpu/emulator/control/app'

/** Machines that answer every request with what was asked of them. */
class EchoHost implements MachineHost {
  readonly specs: MachineSpec[] = []
  readonly #machines: Machine[] = []
  #portUrls = 0

  async start(spec: MachineSpec): Promise<Machine> {
    this.specs.push(spec)
    const server = createServer((request, response) => {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({method: request.method, url: request.url, headers: request.headers}))
    })
    const url = await listen(server)
    const machine = {
      endpoint: spec.endpoint, url,
      portUrl: (port: number) => Promise.resolve(port === 8080 ? url : `http://127.0.0.1:1/${port}-${this.#portUrls++}`),
      stop: () => close(server),
    }
    this.#machines.push(machine)
    return machine
  }

  async close(): Promise<void> {
    for (const machine of this.#machines) await machine.stop()
  }
}

/** A control plane over HTTP, with machines that are no more than an echo. */
export interface TestControl {
  url: string
  world: World
  host: EchoHost
  token: string
  call(path: string, options?: RequestInit & {as?: string}): Promise<Response>
  /** the body, without the prefix of dialect T */
  json(path: string, options?: RequestInit & {as?: string}): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

export async function startControl(config: WorldConfigInput = {}): Promise<TestControl> {
  const host = new EchoHost()
  const world = new World({config: worldConfig.parse(config), clock: createClock(), dice: createDice('test'), machines: () => host})
  const handler = controlHandler({world})
  const server = createServer((request, response) => handler.request(request, response))
  server.on('upgrade', (request, socket, head) => handler.upgrade?.(request, socket, head))
  const url = await listen(server)
  const token = world.standingToken(world.accounts()[0]?.email ?? '')
  const call: TestControl['call'] = (path, {as, ...options} = {}) => {
    const headers = new Headers(options.headers)
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${as === undefined ? token : world.standingToken(as)}`)
    return fetch(new URL(path, url), {redirect: 'manual', ...options, headers})
  }
  return {
    url, world, host, token, call,
    async json(path, options) {
      const text = await (await call(path, options)).text()
      // what a test asserts on
      return JSON.parse(text.replace(/^\)\]\}'\n/, '')) as Record<string, unknown>
    },
    async stop() {
      await world.close()
      await close(server)
    },
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // a TCP server's address is an object
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

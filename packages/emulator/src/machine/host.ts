import {randomBytes} from 'node:crypto'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {Agent} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {errors} from '@cgpu/core/errors'
import {ensureDir} from '@cgpu/core/state/dirs'
import type {Machine, MachineGround, MachineHost, MachineSpec, Site} from '../contract.ts'
import {hostEnv, machineEnv} from './environment.ts'
import type {Upstream} from './forward.ts'
import {gpuOf, memoryBytes} from './hardware.ts'
import {addNvidiaSmi, furnish, machineFolder} from './layout.ts'
import {type Origin, RunningMachine} from './machine.ts'
import type {MachineHostOptions} from './options.ts'
import {MachineServices} from './services.ts'
import {RuntimeSite} from './site.ts'
import {Zygote} from './zygote.ts'

const modules = fileURLToPath(new URL('../../python/modules', import.meta.url))

/** Where a machine finds its own folders: with namespaces as on Colab, else below its folder. */
interface Seen {
  content: string
  home: string
  tmp: string
  bin: string
}

interface Started {
  zygote: Zygote
  python: string
  /** holds the servers' sockets: a path of a socket must be short */
  sockets: string
}

/** The emulator's machines. Nothing is started before the first of them. */
export class LocalMachineHost implements MachineHost {
  private readonly options: MachineHostOptions
  private readonly machines = new Map<string, Machine>()
  private started: Promise<Started> | undefined
  private closed = false
  private known: MachineGround | undefined

  constructor(options: MachineHostOptions) {
    this.options = options
  }

  get ground(): MachineGround | undefined {
    return this.known
  }

  async start(spec: MachineSpec): Promise<Machine> {
    const started = await this.base()
    try {
      return await this.startOn(started, spec)
    } catch (error) {
      // killed, which nobody had seen before this machine needed it
      if (!started.zygote.over || this.closed) throw error
      return await this.startOn(await this.base(), spec)
    }
  }

  private async startOn({zygote, python, sockets}: Started, spec: MachineSpec): Promise<Machine> {
    const name = `${spec.endpoint.replace(/[^\w-]/g, '_')}-${randomBytes(3).toString('hex')}`
    const paths = machineFolder(join(this.options.folder, name))
    await furnish(paths)
    const {namespaces} = zygote.ground
    const seen: Seen = namespaces ? {content: '/content', home: '/root', tmp: '/tmp', bin: '/opt/bin'} : paths
    const gpu = gpuOf(spec)
    const about = {...spec, gpu, memoryBytes: memoryBytes(spec)}
    await writeFile(paths.spec, JSON.stringify(about))
    const machineJson = namespaces ? '/var/colab/machine.json' : paths.spec
    if (gpu) await addNvidiaSmi(paths, python, machineJson)
    const services = await MachineServices.start(spec.endpoint, this.options.gate)
    const token = randomBytes(24).toString('hex')
    const ownSockets = await ensureDir(join(sockets, randomBytes(4).toString('hex')))
    const socketPath = join(ownSockets, 'jupyter')
    let gone = (): void => undefined
    const ended = new Promise<void>((resolve) => (gone = resolve))
    const agent = new Agent({keepAlive: true})
    const jupyter = await this.listen(spec.endpoint, 8080, {socketPath, agent}, {authorization: `token ${token}`})
    const machine = new RunningMachine({
      endpoint: spec.endpoint,
      folder: paths.folder,
      jupyter,
      forward: (port) => this.listen(spec.endpoint, port, {host: '127.0.0.1', port, agent: false}),
      end: async () => {
        zygote.stop(name)
        agent.destroy()
        await ended
        await Promise.all([services.close(), rm(ownSockets, {recursive: true, force: true})])
      },
      forget: () => void this.machines.delete(name),
    })
    this.machines.set(name, machine)
    try {
      await zygote.launch(name, {
        folder: paths.folder, namespaces, hostname: this.options.dice.hex('hostname', 6), socket: socketPath, token, log: paths.log,
        keep: zygote.ground.keep, shared: [ownSockets, ...(this.options.visible ?? [])],
        content: seen.content, root_dir: namespaces ? '/' : paths.folder, about, machine_json: machineJson, ssh: this.options.ssh?.(spec.endpoint) ?? true,
        env: machineEnv(spec, {...seen, modules, sockets: ownSockets, namespaces}, python, services.address, process.env),
      }, gone)
    } catch (error) {
      await machine.stop()
      throw error
    }
    return machine
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all([...this.machines.values()].map((machine) => machine.stop()))
    const started = await this.started?.catch(() => undefined)
    await started?.zygote.close()
  }

  private async listen(endpoint: string, port: number, upstream: Upstream, added?: {authorization: string}): Promise<Origin> {
    let url = ''
    const site = new RuntimeSite({
      endpoint, port, upstream, gate: this.options.gate, own: () => url, ...(added ? {added} : {}),
      closeExpired: () => this.options.closeExpiredSockets?.(endpoint) ?? false,
    })
    const name: Site = port === 8080 ? `runtime:${endpoint}` : `port:${endpoint}:${port}`
    const listening = await this.options.frame.listen(name, site)
    url = listening.url.replace(/\/$/, '')
    return {url, site, close: () => listening.close()}
  }

  private base(): Promise<Started> {
    if (this.closed) throw errors.conflict('the emulator is closing', {code: 'EMULATOR_CLOSED'})
    return (this.started ??= this.begin())
  }

  /** The next machine begins anew after this failed, or its process was killed. */
  private async begin(): Promise<Started> {
    try {
      const started = await this.launch()
      void started.zygote.ended.then(async () => {
        this.started = undefined
        await rm(started.sockets, {recursive: true, force: true})
      })
      return started
    } catch (error) {
      this.started = undefined
      throw error
    }
  }

  private async launch(): Promise<Started> {
    if (process.platform === 'win32') {
      throw errors.usage('the emulator\'s machines do not run on Windows', {code: 'EMULATOR_NO_MACHINES', fix: 'run it in WSL, or on another machine'})
    }
    await ensureDir(this.options.folder)
    const python = await this.options.python()
    const sockets = await mkdtemp(join(tmpdir(), 'cgpu-emu-'))
    const env = {...hostEnv(process.env), PATH: process.env['PATH'], JUPYTER_NO_CONFIG: '1', PYTHONDONTWRITEBYTECODE: '1'}
    const zygote = await Zygote.start(python, sockets, env, this.options.namespaces ?? true).catch(async (error: unknown) => {
      await rm(sockets, {recursive: true, force: true})
      throw error
    })
    const {namespaces, why} = zygote.ground
    this.known = {namespaces, why}
    return {python, sockets, zygote}
  }
}

export function createMachineHost(options: MachineHostOptions): LocalMachineHost {
  return new LocalMachineHost(options)
}

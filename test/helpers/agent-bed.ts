import {createHash} from 'node:crypto'
import type {KernelConnection, KernelOptions} from '@cgpu/jupyter'
import {JupyterServer} from '@cgpu/jupyter'
import type {AgentClient} from '../../packages/core/src/agent/client.ts'
import type {LogRecord} from '../../packages/core/src/agent/log.ts'
import {startChaos} from './chaos.ts'
import type {ChaosProxy} from './chaos.ts'
import {startJupyter} from './jupyter-server.ts'
import type {TestJupyter} from './jupyter-server.ts'

/** The kernels that the agent has to work in: ipykernel 7.4, and 6.17 as on Colab. */
export const kernelNames = ['python3', 'colab'] as const

/** A real server with the default output limits, kernels on it, and a way to spoil the link to them. */
export interface AgentBed {
  jupyter: TestJupyter
  server: JupyterServer
  /** the agent's folder */
  home: string
  /** starts a kernel and connects; `direct` or through the proxy */
  kernel(name: string, options?: KernelOptions & {proxy?: ChaosProxy}): Promise<KernelConnection>
  proxy(): Promise<ChaosProxy>
  stop(): Promise<void>
}

export async function startAgentBed(): Promise<AgentBed> {
  const jupyter = await startJupyter()
  const server = new JupyterServer({url: jupyter.url, token: jupyter.token})
  const closing: (() => unknown)[] = []
  return {
    jupyter,
    server,
    home: `${jupyter.root}/agent`,
    async kernel(name, {proxy, ...options} = {}) {
      const {id} = await server.startKernel({name})
      const through = proxy ? new JupyterServer({url: proxy.url(), token: jupyter.token}) : server
      const connection = await through.openKernel(id, options)
      closing.push(() => connection.close())
      return connection
    },
    async proxy() {
      const proxy = await startChaos(jupyter.port)
      closing.push(() => proxy.close())
      return proxy
    },
    async stop() {
      for (const close of closing) await close()
      server.close()
      await jupyter.stop()
    },
  }
}

/** What a run left in its log, kept apart by stream; big output is only hashed. */
export class Seen {
  readonly text = {stdout: '', stderr: ''}
  readonly bytes = {stdout: 0, stderr: 0}
  readonly records: LogRecord[] = []
  readonly #hash = createHash('sha256')
  readonly #keep: boolean
  #waiting: (() => void)[] = []

  constructor(keep = true) {
    this.#keep = keep
  }

  readonly onRecord = (record: LogRecord): void => {
    if (record.stream === 'stdout') this.#hash.update(record.payload)
    if (record.stream === 'stdout' || record.stream === 'stderr') {
      this.bytes[record.stream] += record.payload.length
      if (this.#keep) this.text[record.stream] += Buffer.from(record.payload).toString()
    }
    if (this.#keep) this.records.push(record)
    for (const check of this.#waiting) check()
  }

  /** sha256 of all of stdout */
  get sha256(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Resolves once the condition holds; looked at after every record. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>(resolve => {
      const check = (): void => {
        if (!condition()) return
        this.#waiting = this.#waiting.filter(each => each !== check)
        resolve()
      }
      this.#waiting.push(check)
      check()
    })
  }
}

/** Fifty megabytes in lines of a hundred bytes, as a program and as what it prints. */
export const fiftyMegabytes = {
  code: "for i in range(500000): print('%08d ' % i + 'x' * 90)",
  bytes: 50_000_000,
  get sha256(): string {
    const hash = createHash('sha256')
    for (let i = 0; i < 500_000; i += 1000) {
      hash.update(Array.from({length: 1000}, (_, k) => `${String(i + k).padStart(8, '0')} ${'x'.repeat(90)}\n`).join(''))
    }
    return hash.digest('hex')
  },
}

/** Runs a Python program as a job to its end. */
export async function runPython(agent: AgentClient, run: string, code: string, seen: Seen): Promise<Awaited<ReturnType<AgentClient['follow']>>> {
  await agent.start({run, argv: [agent.hello.executable, '-c', code]})
  return agent.follow(run, {onRecord: seen.onRecord})
}

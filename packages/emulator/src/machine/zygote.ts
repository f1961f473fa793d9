import {type ChildProcess, spawn} from 'node:child_process'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {z} from 'zod'
import {errors} from '@cgpu/core/errors'
import type {MachineGround} from '../contract.ts'

const script = fileURLToPath(new URL('../../python/zygote.py', import.meta.url))

const answer = z.discriminatedUnion('event', [
  z.object({event: z.literal('hello'), namespaces: z.boolean(), why: z.string(), keep: z.array(z.string())}),
  z.object({event: z.literal('ready'), id: z.string()}),
  z.object({event: z.literal('failed'), id: z.string(), error: z.string()}),
  z.object({event: z.literal('exit'), id: z.string()}),
])
type Answer = z.infer<typeof answer>

export interface Ground extends MachineGround {
  /** folders of the host that servers and kernels are made of */
  keep: string[]
}

interface Waiting {
  ready: (failure?: Error) => void
  gone: () => void
}

/** The Python process that forks machines. When this process ends, however, it ends with all its machines. */
export class Zygote {
  readonly ground: Ground
  private readonly child: ChildProcess
  private readonly machines = new Map<string, Waiting>()
  /** it is gone, with all its machines */
  readonly ended: Promise<void>
  over = false

  private constructor(child: ChildProcess, ground: Ground) {
    this.child = child
    this.ground = ground
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        this.over = true
        for (const id of this.machines.keys()) this.lost(id, 'the process that starts machines has ended')
        resolve()
      })
    })
  }

  /** `sockets` is the folder of all machines' sockets, `env` what the server's own imports may see. */
  static start(python: string, sockets: string, env: NodeJS.ProcessEnv, namespaces: boolean): Promise<Zygote> {
    const child = spawn(python, ['-u', script, sockets, ...(namespaces ? [] : ['--namespaces=no'])], {env, stdio: ['pipe', 'pipe', 'pipe']})
    return new Promise((resolve, reject) => {
      let zygote: Zygote | undefined
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)))
      child.stdin.on('error', () => undefined) // told by its end
      child.once('error', (error) => reject(failed(error.message)))
      child.once('close', () => reject(failed(said.trim().split('\n').at(-1) ?? '')))
      createInterface({input: child.stdout}).on('line', (line) => {
        const heard = answer.parse(JSON.parse(line))
        if (heard.event === 'hello') resolve((zygote = new Zygote(child, heard)))
        else zygote?.hear(heard)
      })
    })
  }

  /** Resolves when the machine's server answers. `gone` is called once all its processes have ended. */
  launch(id: string, spec: object, gone: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.machines.set(id, {ready: (failure) => (failure ? reject(failure) : resolve()), gone})
      if (this.over) this.lost(id, 'the process that starts machines has ended')
      else this.send({op: 'start', id, ...spec})
    })
  }

  stop(id: string): void {
    this.send({op: 'stop', id})
  }

  async close(): Promise<void> {
    this.child.stdin?.end()
    await this.ended
  }

  private send(request: object): void {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`)
  }

  private hear(heard: Exclude<Answer, {event: 'hello'}>): void {
    const machine = this.machines.get(heard.id)
    if (heard.event === 'ready') machine?.ready()
    if (heard.event === 'failed') machine?.ready(failed(heard.error))
    if (heard.event === 'exit') this.lost(heard.id, 'its server ended at once')
  }

  private lost(id: string, why: string): void {
    const machine = this.machines.get(id)
    this.machines.delete(id)
    machine?.ready(failed(why))
    machine?.gone()
  }
}

function failed(why: string): Error {
  return errors.network(`the emulator's machine did not start: ${why}`, {
    code: 'EMULATOR_MACHINE_FAILED', category: 'runtime', fix: 'name another Python with: cgpu config set python PATH',
  })
}

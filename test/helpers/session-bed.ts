import assert from 'node:assert/strict'
import {Cgpu} from '@cgpu/core/cgpu'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {JupyterServer} from '@cgpu/jupyter'
import type {ChaosProxy} from './chaos.ts'
import {startChaos} from './chaos.ts'
import {type SealedHome, sealedHome} from './cli.ts'
import type {TestJupyter} from './jupyter-server.ts'
import {startJupyter} from './jupyter-server.ts'

/** A real Jupyter server behind a proxy that misbehaves, added to a cgpu of its own under the name `bed`. */
export interface SessionBed {
  jupyter: TestJupyter
  chaos: ChaosProxy
  home: SealedHome
  /** past the proxy */
  direct: JupyterServer
  /** a session through the proxy; its links are checked every second: a machine that has no time for longer is no lost link. `remember`: with the kernels of former sessions */
  session(options?: {heartbeatMs?: number; remember?: boolean}): Promise<OpenSession>
  /** makes the proxy pass again, closes sessions, ends the kernels */
  reset(): Promise<void>
  stop(): Promise<void>
}

export interface OpenSession {
  session: RuntimeSession
  /** what was told of its links, in order */
  links: string[]
  /** resolves at the next such change of state */
  link: (state: 'reconnecting' | 'connected') => Promise<void>
}

export async function startSessionBed(): Promise<SessionBed> {
  const home = await sealedHome()
  // the agent's folder below the home too: nothing is written elsewhere
  const jupyter = await startJupyter({env: {HOME: home.path, CGPU_AGENT_HOME: `${home.path}/agent`}})
  const chaos = await startChaos(jupyter.port)
  const direct = new JupyterServer({url: jupyter.url, token: jupyter.token})
  const open: RuntimeSession[] = []
  const cgpu = (): Promise<Cgpu> =>
    Cgpu.open({
      dirs: resolveDirs(home.env), env: home.env, cwd: home.cwd,
      providers: [{id: 'jupyter', source: 'test', load: async () => (await import('@cgpu/provider-jupyter')).createProvider}],
    })
  await (await cgpu()).runtimes.add('jupyter', {url: chaos.url(), token: jupyter.token}, 'bed')
  const reset = async (): Promise<void> => {
    chaos.mode = 'pass'
    chaos.refuse(false)
    await Promise.all(open.splice(0).map((session) => session.close()))
    // a server answers 500 while it restarts a kernel that was killed
    await until(() => endKernels(direct).then(() => true, () => false))
  }
  return {
    jupyter, chaos, home, direct, reset,
    async session({heartbeatMs = 1_000, remember = false} = {}) {
      const links: string[] = []
      const waiting = new Map<string, (() => void)[]>()
      const opened = await cgpu()
      const record = await opened.runtimes.select('bed')
      const session = await opened.connect(remember ? record : {...record, kernels: {}}, {
        heartbeatMs,
        onLink: (state) => {
          links.push(state)
          for (const resolve of waiting.get(state)?.splice(0) ?? []) resolve()
        },
      })
      open.push(session)
      return {
        session, links,
        link: (state) => new Promise((resolve) => waiting.set(state, [...(waiting.get(state) ?? []), resolve])),
      }
    },
    async stop() {
      await Promise.all(open.splice(0).map((session) => session.close()))
      direct.close()
      await chaos.close()
      await jupyter.stop()
      await home.remove()
    },
  }
}

async function endKernels(server: JupyterServer): Promise<void> {
  await Promise.all((await server.listSessions()).map(({id}) => server.deleteSession(id)))
  await Promise.all((await server.listKernels()).map(({id}) => server.shutdownKernel(id)))
}

/** What an execution or a job told, and conditions on it. */
export class Told {
  readonly events: ExecutionEvent[] = []
  readonly #chunks = {stdout: [] as Uint8Array[], stderr: [] as Uint8Array[]}
  readonly #waiting = new Set<() => void>()

  readonly onEvent = (event: ExecutionEvent): void => {
    // the data is a view of a received frame
    if (event.type === 'stdout' || event.type === 'stderr') this.#chunks[event.type].push(Uint8Array.from(event.data))
    else this.events.push(event)
    for (const check of this.#waiting) check()
  }

  bytes(stream: 'stdout' | 'stderr' = 'stdout'): Buffer {
    return Buffer.concat(this.#chunks[stream])
  }

  get text(): string {
    return this.bytes().toString('utf8')
  }

  get numbers(): number[] {
    return this.text.split('\n').filter((line) => /^\d+$/.test(line)).map(Number)
  }

  notices(): string[] {
    return this.events.filter((event) => event.type === 'notice').map((event) => event.code)
  }

  /** Resolves once stdout matches. */
  shows(pattern: RegExp): Promise<void> {
    return this.until(() => pattern.test(this.text))
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}

export const count = (n: number): number[] => Array.from({length: n}, (_, index) => index)

/** Every number below `n` once, in order: quicker than a deep comparison, and readable when it fails. */
export function assertCounted(numbers: number[], n: number): void {
  const wrong = numbers.findIndex((number, index) => number !== index)
  assert.ok(wrong === -1 && numbers.length === n, `${numbers.length} of ${n} lines, the first wrong one after ${numbers.slice(Math.max(0, wrong - 3), wrong + 3).join(' ')}`)
}

/** A condition of the world outside that nobody tells of; fails after 15 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `never came true: ${String(condition)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

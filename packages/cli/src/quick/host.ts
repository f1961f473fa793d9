import type {EventListener} from '@cgpu/core/execution/events'
import type {KernelHost} from '@cgpu/core/provider'
import type {Dirs} from '@cgpu/core/state/dirs'
import type {StdinLines} from '../run/stdin-lines.ts'

const {isatty} = process.getBuiltinModule('node:tty')

export interface QuickHostOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  /** whether the person at the terminal may be asked */
  asks: boolean
  onWarning: (message: string) => void
  onEvent: EventListener
}

/** Answers what the daemon asks for code that it runs. What it takes is loaded with the first question: most code asks nothing. */
export class QuickHost {
  readonly answers: string[]
  readonly #options: QuickHostOptions
  #host: Promise<KernelHost> | undefined
  #lines: Promise<StdinLines> | undefined

  constructor(options: QuickHostOptions) {
    this.#options = options
    this.answers = ['secret', 'input', ...(options.asks && isatty(0) && isatty(2) ? ['consent'] : [])]
  }

  async answer(name: string, args: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    if (name === 'input') return (await this.#stdin()).next(args['password'] === true)
    const host = await (this.#host ??= this.#open())
    if (name === 'secret') {
      const {exists, access} = await host.secret(String(args['name']))
      return {exists, access}
    }
    return host.consent?.({message: String(args['message']), url: String(args['url']), signal}) ?? false
  }

  close(): void {
    void this.#lines?.then((lines) => lines.close())
  }

  #stdin(): Promise<StdinLines> {
    return (this.#lines ??= import('../run/stdin-lines.ts').then(({StdinLines}) => new StdinLines()))
  }

  async #open(): Promise<KernelHost> {
    const {dirs, env, asks, onWarning, onEvent} = this.#options
    const [{resolveSettings}, {kernelHost}] = await Promise.all([import('@cgpu/core/config/resolve'), import('../run/kernel-host.ts')])
    const settings = await resolveSettings({env, cwd: process.cwd(), configDir: dirs.config, onWarning})
    return kernelHost({granted: [], asks, configDir: dirs.config, settings, onWarning, onEvent})
  }
}

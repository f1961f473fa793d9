import type {ChildProcess} from 'node:child_process'

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Held = (typeof names)[number]

/**
 * Signals to who runs a schedule, from before the run is written down until its end is: they are the command's. One that comes before there
 * is a command is kept for it, one that comes after its end changes nothing any more.
 */
export class HeldSignals {
  #child: Pick<ChildProcess, 'kill'> | undefined
  #first: Held | undefined
  /** Ctrl-C reaches the command by itself where both are of one terminal */
  readonly #terminal: boolean
  readonly #take = (name: NodeJS.Signals): void => this.#took(name as Held) // listened to for no other

  constructor(terminal: boolean = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY) {
    this.#terminal = terminal
    for (const name of names) process.on(name, this.#take)
  }

  /** The first that came while there was no command. */
  get pending(): Held | undefined {
    return this.#first
  }

  /** From now on they are the command's, which decides what they mean. */
  passTo(child: Pick<ChildProcess, 'kill'>): void {
    this.#child = child
    if (this.#first !== undefined) child.kill(this.#first)
  }

  release(): void {
    for (const name of names) process.off(name, this.#take)
  }

  #took(name: Held): void {
    if (!this.#child) this.#first ??= name
    else if (name !== 'SIGINT' || !this.#terminal) this.#child.kill(name)
  }
}

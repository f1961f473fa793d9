import type {Message} from './contract.ts'

/** What a message tells of its process: another one than before, and whether the end of that one was known already. */
export type Succession = 'same' | 'surprise' | 'expected'

/**
 * Which kernel process we talk to. A kernel stamps its messages with a session of its own, made anew in every process, so
 * that a changed one means a restart. Left out: our own sessions (the server stamps its own notices with them) and kernels
 * that merely echo their client's session; of those a restart is seen only by the server's `restarting` status.
 */
export class ProcessIdentity {
  #current: string | undefined
  readonly #ours = new Set<string>()
  readonly #retired = new Set<string>()

  /** The session of the process that is there now; undefined before it has said a word. */
  get current(): string | undefined {
    return this.#current
  }

  isOurs(session: string | undefined): boolean {
    return session !== undefined && this.#ours.has(session)
  }

  /** A session id of ours; never a kernel's. */
  addOurs(session: string): void {
    this.#ours.add(session)
  }

  observe(message: Message): Succession {
    const session = message.header.session
    if (!session || session === this.#current || this.#ours.has(session) || this.#retired.has(session) || session === message.parent_header.session) return 'same'
    const surprise = this.#current !== undefined
    const first = !surprise && this.#retired.size === 0
    this.retire()
    this.#current = session
    if (first) return 'same'
    return surprise ? 'surprise' : 'expected'
  }

  /** The process is known to be gone, or about to go: what still comes from it says nothing of the one that follows. */
  retire(): void {
    if (this.#current !== undefined) this.#retired.add(this.#current)
    this.#current = undefined
  }

  isRetired(message: Message): boolean {
    return this.#retired.has(message.header.session ?? '')
  }
}

import type {Message} from './contract.ts'

/**
 * Which kernel process we talk to. A kernel stamps its messages with a session of its own, made anew in every process, so
 * that a changed one means a restart. Left out: our own sessions (the server stamps its own notices with them) and kernels
 * that merely echo their client's session; of those a restart is seen only by the server's `restarting` status.
 */
export class ProcessIdentity {
  #current: string | undefined
  readonly #ours = new Set<string>()
  readonly #retired = new Set<string>()

  /** A session id of ours; never a kernel's. */
  addOurs(session: string): void {
    this.#ours.add(session)
  }

  /** True when this message is from another process than those before it. */
  observe(message: Message): boolean {
    const session = message.header.session
    if (!session || this.#ours.has(session) || this.#retired.has(session) || session === message.parent_header.session) return false
    const changed = this.#current !== undefined && this.#current !== session
    if (changed) this.retire()
    this.#current = session
    return changed
  }

  /** The process is known to be gone: what is still on its way from it says nothing any more. */
  retire(): void {
    if (this.#current !== undefined) this.#retired.add(this.#current)
    this.#current = undefined
  }
}

import type {Message} from './contract.ts'

/** Messages whose ids are remembered, so that what a server replays twice is handled once. */
const remembered = 8_192

/**
 * Hands messages on, one at a time and in order. While a consumer's promise is pending, the socket is paused and what it had
 * already read waits here.
 */
export class Inbox {
  readonly #handle: (message: Message) => void | Promise<void>
  readonly #link: () => {pause(): void; resume(): void} | undefined
  readonly #seen = new Set<string>()
  readonly #waiting: Message[] = []
  #blocked = false

  constructor(handle: (message: Message) => void | Promise<void>, link: () => {pause(): void; resume(): void} | undefined) {
    this.#handle = handle
    this.#link = link
  }

  receive(message: Message): void {
    if (this.#isRepeated(message)) return
    if (this.#blocked || this.#waiting.length > 0) this.#waiting.push(message)
    else this.#run(message)
  }

  /** A new link took the old one's place. */
  linked(): void {
    if (this.#blocked) this.#link()?.pause()
  }

  #run(message: Message): void {
    const wait = this.#handle(message)
    if (!(wait instanceof Promise)) return
    this.#blocked = true
    this.#link()?.pause()
    const goOn = (): void => {
      this.#blocked = false
      this.#drain()
    }
    wait.then(goOn, goOn)
  }

  #drain(): void {
    while (!this.#blocked) {
      const next = this.#waiting.shift()
      if (!next) return this.#link()?.resume()
      this.#run(next)
    }
  }

  #isRepeated(message: Message): boolean {
    const id = message.header.msg_id
    if (id === '') return false
    if (this.#seen.has(id)) return true
    this.#seen.add(id)
    // a set keeps insertion order: the oldest goes
    if (this.#seen.size > remembered) for (const oldest of this.#seen) return !this.#seen.delete(oldest)
    return false
  }
}

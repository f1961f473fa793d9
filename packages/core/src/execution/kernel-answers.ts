import type {KernelConnection, Message} from '@cgpu/jupyter'
import type {KernelHost, RuntimeEndpoint} from '../provider.ts'

/**
 * Answers what libraries on the machine ask through the kernel, aside from the output: nothing waits for it. A link that is
 * lost is waited for; a question that comes again with the next link is answered once.
 */
export class KernelAnswers {
  readonly #answer: NonNullable<RuntimeEndpoint['answerKernel']>
  readonly #host: KernelHost
  readonly #seen = new Set<string>()
  readonly #over = new AbortController()

  constructor(answer: NonNullable<RuntimeEndpoint['answerKernel']>, host: KernelHost) {
    this.#answer = answer
    const {consent} = host
    // whoever is asked need not answer any more once the code is over
    this.#host = consent ? {...host, consent: (request) => consent({...request, signal: this.#over.signal})} : host
  }

  asked(message: Message, connection: KernelConnection): void {
    const {msg_id: id} = message.header
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    const work = async (): Promise<void> => {
      const value = await this.#answer(message, this.#host)
      if (value !== undefined) await connection.replyInput(value, {signal: this.#over.signal})
    }
    work().catch(() => undefined) // the cell is over, or learns by its own time limit that nobody answered
  }

  /** The execution is over: nobody waits for answers any more. */
  close(): void {
    this.#over.abort()
  }
}

import type {Clock, Dice} from '../contract.ts'
import {rpc, type RpcName, errorInfo} from './error.ts'

export interface OperationError {
  code: RpcName
  message: string
  reason?: string
}

export type OperationResult = {response: Record<string, unknown>} | {error: OperationError}

interface Operation {
  name: string
  email: string
  /** the client's own id of the request: a second one with it is the same request */
  requestId: string | undefined
  runtime: string
  result: Promise<OperationResult>
  done: OperationResult | undefined
}

/** Long-running operations of dialect P: a creation answers at once and is waited for. Source: protocol notes, 3.11. */
export class Operations {
  readonly #clock: Clock
  readonly #dice: Dice
  #all: Operation[] = []

  constructor(clock: Clock, dice: Dice) {
    this.#clock = clock
    this.#dice = dice
  }

  byRequest(email: string, requestId: string): Operation | undefined {
    return this.#all.find((one) => one.email === email && one.requestId === requestId)
  }

  get(email: string, id: string): Operation | undefined {
    return this.#all.find((one) => one.email === email && one.name === `operations/${id}`)
  }

  list(email: string): Operation[] {
    return this.#all.filter((one) => one.email === email)
  }

  start(email: string, runtime: string, requestId: string | undefined, result: Promise<OperationResult>): Operation {
    const operation: Operation = {name: `operations/create-${this.#dice.hex('operation', 8)}`, email, requestId, runtime, done: undefined, result}
    operation.result = result.catch((error: unknown): OperationResult => ({error: {code: 'INTERNAL', message: String(error)}})).then((done) => operation.done = done)
    this.#all = [...this.#all.slice(-999), operation]
    return operation
  }

  /** Resolves when it is done, or when so much of the emulator's time has passed. */
  async wait(operation: Operation, ms: number): Promise<void> {
    let cancel = (): void => undefined
    const timeout = new Promise<void>((resolve) => { cancel = this.#clock.at(this.#clock.now() + ms, resolve) })
    await Promise.race([operation.result, timeout])
    cancel()
  }

  clear(): void {
    this.#all = []
  }
}

/** As the wire has it. */
export function operationJson({name, runtime, done}: Operation): Record<string, unknown> {
  const metadata = {'@type': 'type.googleapis.com/google.colaboratory.v1beta.CreateRuntimeMetadata', runtime: `runtimes/${runtime}`}
  if (done === undefined) return {name, metadata, done: false}
  if ('response' in done) return {name, metadata, done: true, response: {'@type': 'type.googleapis.com/google.colaboratory.v1beta.Runtime', ...done.response}}
  const {code, message, reason} = done.error
  return {name, metadata, done: true, error: {code: rpc[code], message, details: reason === undefined ? [] : [errorInfo(reason)]}}
}

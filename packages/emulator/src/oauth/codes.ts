import {createHash} from 'node:crypto'
import type {Clock, Dice} from '../contract.ts'
import type {Grant} from '../world/grants.ts'

const life = 600_000

/** What a client asked a person for, after it was checked. */
export interface AuthorizationRequest {
  clientId: string
  redirectUri: string
  /** `show`: the person copies the code */
  delivery: 'send' | 'show'
  scopes: string[]
  state: string | undefined
  challenge: string | undefined
  offline: boolean
  includeGranted: boolean
  prompt: string | undefined
  nonce: string | undefined
}

interface Code {
  request: AuthorizationRequest
  grant: Grant
  scopes: string[]
  expiresAt: number
  used: boolean
}

interface Question {
  request: AuthorizationRequest
  email: string
  expiresAt: number
}

/** Consent pages that wait for an answer, and authorization codes that wait to be redeemed: ten minutes each, once. */
export class Codes {
  readonly #clock: Clock
  readonly #dice: Dice
  readonly #questions = new Map<string, Question>()
  readonly #codes = new Map<string, Code>()

  constructor(clock: Clock, dice: Dice) {
    this.#clock = clock
    this.#dice = dice
  }

  /** The value that the form of a consent page brings back. */
  ask(request: AuthorizationRequest, email: string): string {
    this.#forget()
    const csrf = this.#dice.hex('consent-page', 16)
    this.#questions.set(csrf, {request, email, expiresAt: this.#clock.now() + life})
    return csrf
  }

  /** What was asked, once. */
  answered(csrf: string): Question | undefined {
    const question = this.#questions.get(csrf)
    this.#questions.delete(csrf)
    return question === undefined || question.expiresAt <= this.#clock.now() ? undefined : question
  }

  issue(request: AuthorizationRequest, grant: Grant, scopes: string[]): string {
    const code = `4/emu-${this.#dice.hex('authorization-code', 24)}`
    this.#codes.set(code, {request, grant, scopes, expiresAt: this.#clock.now() + life, used: false})
    return code
  }

  /** `replayed`: somebody redeems it a second time, so one of the two is not the client. */
  redeem(code: string, by: {clientId: string; redirectUri: string; verifier: string | undefined}): Code | 'unknown' | 'replayed' | 'redirect' | 'verifier' {
    const known = this.#codes.get(code)
    if (known === undefined || known.expiresAt <= this.#clock.now() || known.request.clientId !== by.clientId || known.grant.revoked) return 'unknown'
    if (known.used) return 'replayed'
    if (known.request.redirectUri !== by.redirectUri) return 'redirect'
    const {challenge} = known.request
    if (challenge !== undefined && createHash('sha256').update(by.verifier ?? '').digest('base64url') !== challenge) return 'verifier'
    known.used = true
    return known
  }

  grantOf(code: string): Grant | undefined {
    return this.#codes.get(code)?.grant
  }

  clear(): void {
    this.#questions.clear()
    this.#codes.clear()
  }

  #forget(): void {
    const now = this.#clock.now()
    for (const waiting of [this.#questions, this.#codes]) for (const [key, {expiresAt}] of waiting) if (expiresAt + life <= now) waiting.delete(key)
  }
}

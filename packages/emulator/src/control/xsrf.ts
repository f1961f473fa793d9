import {createHmac, timingSafeEqual} from 'node:crypto'
import type {Clock} from '../contract.ts'

/** Long enough to read a consent page between the GET and the POST; the real life time is not known. */
const life = 3_600_000

/** The tokens that pair dialect T's GETs with their POSTs: bound to the account and the path, not to the query, good for several POSTs. */
export class Xsrf {
  readonly #key: string
  readonly #clock: Clock

  constructor(key: string, clock: Clock) {
    this.#key = key
    this.#clock = clock
  }

  issue(email: string, path: string): string {
    const time = this.#clock.now().toString(36)
    return `${time}.${this.#sign(time, email, path)}`
  }

  fresh(token: string | undefined, email: string, path: string): boolean {
    const [time = '', signature = ''] = (token ?? '').split('.')
    const wanted = Buffer.from(this.#sign(time, email, path))
    const given = Buffer.from(signature)
    const age = this.#clock.now() - Number.parseInt(time, 36)
    return given.length === wanted.length && timingSafeEqual(given, wanted) && age >= 0 && age < life
  }

  #sign(time: string, email: string, path: string): string {
    return createHmac('sha256', this.#key).update(`${time}\n${email}\n${path}`).digest('hex').slice(0, 32)
  }
}

import type {HttpAnswer} from './http.ts'

/**
 * Servers without a token protect POST, PUT and DELETE by a double-submitted cookie: what came as the cookie `_xsrf`
 * goes back as cookie and as header. Token-authorised requests are exempt, so nothing is fetched until one is refused.
 */
export class XsrfCookie {
  #value: string | undefined

  get known(): boolean {
    return this.#value !== undefined
  }

  remember(answer: HttpAnswer): void {
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      const value = /^_xsrf=([^;]*)/.exec(cookie)?.[1]
      if (value) this.#value = value
    }
  }

  /** What the server demands now may be another one than what it gave once. */
  forget(): void {
    this.#value = undefined
  }

  addTo(headers: Record<string, string>): Record<string, string> {
    if (this.#value === undefined) return headers
    const cookie = [headers['cookie'], `_xsrf=${this.#value}`].filter(Boolean).join('; ')
    return {...headers, cookie, 'x-xsrftoken': this.#value}
  }

  static isDemanded(answer: HttpAnswer): boolean {
    return answer.status === 403 && answer.body.includes('_xsrf')
  }
}

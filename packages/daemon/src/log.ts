import {appendFileSync, renameSync, statSync} from 'node:fs'
import {Redactor} from '@cgpu/core/text/redact'
import {sanitizeLine} from '@cgpu/core/text/line'

const maxBytes = 1024 * 1024

/** The daemon's log: a line an event, 0600, one older generation is kept. No code, no output, no secrets. */
export class DaemonLog {
  readonly #path: string
  readonly #redactor = new Redactor()
  readonly #echo: ((line: string) => void) | undefined

  constructor(path: string, echo?: (line: string) => void) {
    this.#path = path
    this.#echo = echo
  }

  hide(secret: string): void {
    this.#redactor.add(secret)
  }

  write = (line: string): void => {
    const text = `${new Date().toISOString()} ${hideTokens(this.#redactor.redact(sanitizeLine(line, 2000)))}\n`
    this.#echo?.(text)
    try {
      if ((statSync(this.#path, {throwIfNoEntry: false})?.size ?? 0) > maxBytes) renameSync(this.#path, `${this.#path}.1`)
      appendFileSync(this.#path, text, {mode: 0o600})
    } catch {
      // a log that cannot be written stops nothing
    }
  }
}

/** What messages of servers and libraries may quote. */
function hideTokens(text: string): string {
  return text.replaceAll(/((?:token|secret|password|authorization)["']?[=:]\s*["']?)(?:Bearer |token )?[^\s"'&,;]+/gi, '$1[redacted]').replaceAll(/\/\/[^/@\s]+@/g, '//[redacted]@')
}

import {createInterface, type Interface} from 'node:readline'
import {inert} from '@cgpu/plugin-sdk'

export interface Page {
  url: string
  expiresInSeconds: number
  /** takes a pasted address; says what is wrong with it */
  offer: (text: string) => string | undefined
}

export interface SignInDialogOptions {
  json: boolean
  /** open a browser, where there is one */
  browser: boolean
  open: (url: string) => Promise<boolean>
}

/** What is said on stderr while a sign-in waits, and what a person may paste meanwhile. */
export class SignInDialog {
  readonly #options: SignInDialogOptions
  #lines: Interface | undefined
  #closed = false

  constructor(options: SignInDialogOptions) {
    this.#options = options
  }

  show(page: Page): void {
    const {json, browser, open} = this.#options
    const {url, expiresInSeconds} = page
    if (json) process.stderr.write(`${JSON.stringify({event: 'auth_required', url, expiresInSeconds})}\n`)
    else process.stderr.write(`open this page to sign in, within ${Math.round(expiresInSeconds / 60)} min:\n\n  ${inert(url)}\n\n`)
    const opening = browser ? open(url) : Promise.resolve(false)
    void opening.then((opened) => {
      if (!json && !opened) this.#listen(page)
    })
  }

  close(): void {
    this.#closed = true
    this.#lines?.close()
    // a terminal that was read from keeps the process alive
    if (this.#lines) process.stdin.unref?.()
  }

  /** The browser of another machine cannot come back here by itself. */
  #listen({offer}: Page): void {
    if (this.#closed || !process.stdin.isTTY) return
    process.stderr.write('in a browser of another machine, paste the address that it ends up at (it begins with http://127.0.0.1):\n')
    // no `terminal`: the line discipline turns Ctrl-C into a signal
    this.#lines = createInterface({input: process.stdin, terminal: false})
    this.#lines.on('line', (line) => {
      if (line.trim() === '') return
      const problem = offer(line)
      if (problem !== undefined) process.stderr.write(`this is not the address: ${inert(problem)}\n`)
    })
  }
}

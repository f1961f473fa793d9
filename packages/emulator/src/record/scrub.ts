const secretNames = /^(access_token|refresh_token|token|code|code_verifier|client_secret|assertion|password|authorization|cookie|set-cookie|x-goog-colab-token|colab-runtime-proxy-token|apikey|key|csrf|signature|session)$/i
/** Tokens by their look, wherever they stand: Google's access and refresh tokens, JWTs, API keys, client secrets, the emulator's own. */
const looks = /ya29\.[\w.-]{6,}|1\/\/[\w-]{10,}|eyJ[\w-]{6,}\.[\w-]+\.[\w-]*|AIza[\w-]{30,}|GOCSPX-[\w-]{6,}|emu-[a-z]+-[0-9a-f]{8,}/g
const emails = /[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+/g

/**
 * Replaces secrets, each by a name of its own that stays the same, so that a replay still hands out in one answer what the next
 * request has to bring.
 */
export class Scrubber {
  readonly #names = new Map<string, string>()
  readonly #people = new Map<string, string>()
  readonly #keepEmails: boolean

  constructor({keepEmails = false}: {keepEmails?: boolean} = {}) {
    this.#keepEmails = keepEmails
  }

  /** Notes the secrets of a header, a query or a form: by their names, and by their look. */
  learnPairs(pairs: Iterable<readonly [string, string]>): void {
    for (const [name, value] of pairs) {
      if (secretNames.test(name)) this.#learn(value.replace(/^(Bearer|Basic|token) +/i, ''))
      this.learnText(value)
    }
  }

  /** Notes the secrets of a body, which may be JSON (behind Colab's prefix) or a form. */
  learnBody(body: string): void {
    this.learnText(body)
    try {
      this.#learnValue(JSON.parse(body.replace(/^\)\]\}'\n/, '')))
    } catch {
      if (/^[\w.-]+=[^\s]*$/.test(body)) this.learnPairs(new URLSearchParams(body))
    }
  }

  learnText(text: string): void {
    for (const [found] of text.matchAll(looks)) this.#learn(found)
  }

  /** The text without what was noted so far, as it is, in JSON, or URL-encoded. */
  scrub(text: string): string {
    let clean = text
    // the longest first: one may hold another
    for (const [secret, name] of [...this.#names].sort(([a], [b]) => b.length - a.length)) {
      for (const spelled of spellings(secret)) clean = clean.replaceAll(spelled, name)
    }
    return this.#keepEmails ? clean : clean.replaceAll(emails, (found) => this.#person(found))
  }

  #person(found: string): string {
    const email = found.replace('%40', '@').toLowerCase()
    if (email.endsWith('.gserviceaccount.com') || /^person\d+@example\.com$/.test(email)) return found
    const name = this.#people.get(email) ?? `person${this.#people.size + 1}@example.com`
    this.#people.set(email, name)
    return found.includes('%40') ? encodeURIComponent(name) : name
  }

  #learnValue(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === 'string' && secretNames.test(name)) this.#learn(member)
      else this.#learnValue(member)
    }
  }

  #learn(secret: string): void {
    // shorter ones would also take what is no secret
    if (secret.length < 6 || this.#names.has(secret) || /^scrubbed-\d+$/.test(secret)) return
    this.#names.set(secret, `scrubbed-${this.#names.size + 1}`)
  }
}

function spellings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), ...(secret.isWellFormed() ? [encodeURIComponent(secret)] : [])]
}

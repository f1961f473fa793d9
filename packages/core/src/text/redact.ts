/** Shorter values would also hide what is no secret. */
const minLength = 8
const mark = '[redacted]'

/**
 * Removes known secrets from text that is shown or logged: as they are, and URL-encoded, JSON-escaped or inside of
 * base64 (as in a Basic header). Secrets under 8 characters are not looked for.
 */
export class Redactor {
  readonly #variants = new Set<string>()
  #pattern: RegExp | undefined
  #firsts = new Set<string>()
  #longest = 0

  constructor(secrets: Iterable<string> = []) {
    for (const secret of secrets) this.add(secret)
  }

  /** Also look for this secret from now on. */
  add(secret: string): void {
    for (const variant of variantsOf(secret)) this.#variants.add(variant)
    this.#pattern = undefined
  }

  redact(text: string): string {
    this.#prepare()
    return this.#pattern ? text.replaceAll(this.#pattern, mark) : text
  }

  /** Text whose beginning is missing, without what may be the end of a secret. `redact` is still to be called. */
  afterCut(text: string): string {
    let half = 0
    for (const variant of this.#variants) {
      for (let length = Math.min(variant.length - 1, text.length); length > half; length--) {
        if (text.startsWith(variant.slice(-length))) half = length
      }
    }
    return text.slice(half)
  }

  /** For text that comes in chunks: a secret cut in two is found as well. */
  stream(): RedactStream {
    let held = ''
    return {
      write: chunk => {
        const {shown, rest} = this.#advance(held + chunk)
        held = rest
        return shown
      },
      end: () => {
        const rest = this.redact(held)
        held = ''
        return rest
      },
    }
  }

  /** Splits text into what can be shown and an end that may be the beginning of a secret. */
  #advance(text: string): {shown: string; rest: string} {
    this.#prepare()
    if (!this.#pattern) return {shown: text, rest: ''}
    let shown = ''
    let at = 0
    for (;;) {
      const hold = this.#holdFrom(text, at)
      this.#pattern.lastIndex = at
      const match = this.#pattern.exec(text)
      // a match that begins before `hold` cannot grow into a longer secret any more
      if (!match || match.index >= hold) return {shown: shown + text.slice(at, hold), rest: text.slice(hold)}
      shown += text.slice(at, match.index) + mark
      at = match.index + match[0].length
    }
  }

  /** The first index from which the text is the beginning of a secret, or its length. */
  #holdFrom(text: string, from: number): number {
    for (let index = Math.max(from, text.length - this.#longest + 1); index < text.length; index++) {
      if (!this.#firsts.has(text.charAt(index))) continue
      const tail = text.slice(index)
      for (const variant of this.#variants) if (variant.length > tail.length && variant.startsWith(tail)) return index
    }
    return text.length
  }

  #prepare(): void {
    if (this.#pattern || this.#variants.size === 0) return
    // longest first: of two secrets that begin alike the whole longer one must go
    const ordered = [...this.#variants].sort((a, b) => b.length - a.length)
    this.#pattern = new RegExp(ordered.map(variant => variant.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)).join('|'), 'g')
    this.#firsts = new Set(ordered.map(variant => variant.charAt(0)))
    this.#longest = ordered[0]?.length ?? 0
  }
}

export interface RedactStream {
  write: (chunk: string) => string
  /** what was held back */
  end: () => string
}

function variantsOf(secret: string): Set<string> {
  if (secret.length < minLength) return new Set()
  const escaped = JSON.stringify(secret).slice(1, -1)
  const found = new Set([secret, escaped])
  if (secret.isWellFormed()) {
    const encoded = encodeURIComponent(secret)
    found.add(encoded)
    found.add(encoded.replaceAll(/%[0-9A-F]{2}/g, hex => hex.toLowerCase()))
    found.add(encoded.replaceAll('%20', '+'))
    for (const text of base64Cores(Buffer.from(secret))) if (text.length >= minLength) found.add(text)
  }
  return found
}

/** The base64 digits that a secret fully determines, for each of the three places where it may begin in a group. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap(lead => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes]).toString('base64')
    const core = text.slice(Math.ceil((lead * 8) / 6), Math.floor(((lead + bytes.length) * 8) / 6))
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

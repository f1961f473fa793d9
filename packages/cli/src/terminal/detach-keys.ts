import {errors} from '@cgpu/core/errors'

/** Two keys in a row must not be further apart: the first alone belongs to the remote program. */
const patienceMs = 1_000

interface Key {
  /** as people read it: `Ctrl-]` */
  shown: string
  /** how terminals send it: one byte, or a sequence where the remote program has switched on a keyboard protocol */
  forms: readonly Uint8Array[]
}

/** Reads `ctrl-],d`; undefined for `none`. Throws INVALID_KEYS (64). */
export function parseKeys(text: string): Key[] | undefined {
  if (text === '' || text === 'none') return undefined
  return text.split(',').map((one) => {
    const found = /^(?:(ctrl)-)?([\x21-\x7e])$/i.exec(one.trim())
    const [, ctrl, char = ''] = found ?? []
    const code = char.charCodeAt(0)
    if (!found || (ctrl !== undefined && !/[a-z@[\\\]^_]/i.test(char))) {
      throw errors.usage(`"${one.slice(0, 20)}" is not a key`, {code: 'INVALID_KEYS', fix: 'give keys such as ctrl-],d or ctrl-p,ctrl-q, or none'})
    }
    if (ctrl === undefined) return {shown: char, forms: forms([char], `\x1b[${code}u`, `\x1b[${code};1u`)}
    const lower = char.toLowerCase().charCodeAt(0)
    return {shown: `Ctrl-${char.toUpperCase()}`, forms: forms([String.fromCharCode(code & 0x1f)], `\x1b[${lower};5u`, `\x1b[27;5;${lower}~`)}
  })
}

function forms(plain: string[], ...sequences: string[]): Uint8Array[] {
  return [...plain, ...sequences].map((one) => Buffer.from(one, 'latin1'))
}

/** Watches what is typed for the keys that detach. The first of them are held back for a moment; nothing else is changed. */
export class DetachKeys {
  readonly shown: string
  readonly #keys: readonly Key[]
  readonly #pass: (data: Uint8Array) => void
  readonly #detach: () => void
  #held: Uint8Array[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(keys: readonly Key[], {pass, detach}: {pass: (data: Uint8Array) => void; detach: () => void}) {
    this.#keys = keys
    this.shown = keys.map(({shown}) => shown).join(' ')
    this.#pass = pass
    this.#detach = detach
  }

  type(data: Uint8Array): void {
    clearTimeout(this.#timer)
    let from = 0
    let at = 0
    while (at < data.length) {
      const length = this.#matches(data, at, this.#held.length)
      if (length > 0) {
        if (at > from) this.#pass(data.subarray(from, at))
        this.#held.push(data.subarray(at, at + length))
        at += length
        from = at
        if (this.#held.length === this.#keys.length) {
          this.#held = []
          return this.#detach() // what follows is for nobody
        }
      } else if (this.#held.length > 0) this.#release() // and the same byte may begin anew
      else at++
    }
    if (at > from) this.#pass(data.subarray(from))
    if (this.#held.length > 0) this.#timer = setTimeout(() => this.#release(), patienceMs)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #matches(data: Uint8Array, at: number, key: number): number {
    const form = this.#keys[key]?.forms.find((one) => one.every((byte, i) => data[at + i] === byte))
    return form?.length ?? 0
  }

  #release(): void {
    const held = this.#held
    this.#held = []
    for (const one of held) this.#pass(one)
  }
}

export {sanitizeLine} from './line.ts'

/** What may not pass: C0 but \t \n \r, DEL, C1, and the characters that reorder text on the screen. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g
// eslint-disable-next-line no-control-regex -- as above
const csi = /\x1b\[([\x20-\x3f]{0,64})([\x40-\x7e])/y
/** An escape sequence that the next chunk may complete. */
// eslint-disable-next-line no-control-regex -- as above
const partial = /\x1b(?:\[[\x20-\x3f]{0,64})?$/y

const esc = 0x1b
const backspace = 0x08
const shownEsc = '\u241b'

/**
 * Makes remote output safe to write to a terminal, chunk by chunk; how it is cut into chunks does not matter.
 * Colours (SGR), `\r`, `\n` and `\t` pass. Other CSI sequences (cursor moves, queries) and backspaces are dropped.
 * Everything else that a terminal could act on becomes visible and inert: `ESC ]` (OSC) shows as `␛]`, NUL as `␀`,
 * 8-bit controls and bidirectional overrides as `\ufffd`; their payload is plain text then. Invalid UTF-8 becomes
 * `\ufffd`. Only for terminals: where stdout is not one, bytes pass untouched.
 */
export class TerminalFilter {
  // a byte order mark is kept: it is harmless, and chunks after the first one may begin with it
  readonly #decoder = new TextDecoder('utf-8', {ignoreBOM: true})
  #pending = ''
  #coloured = false

  write(chunk: Uint8Array | string): string {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, {stream: true})
    return this.#filter(this.#pending === '' ? text : this.#pending + text, false)
  }

  /** What was held back, and a colour reset if the output left a colour on. The filter can be used again after it. */
  end(): string {
    const rest = this.#filter(this.#pending + this.#decoder.decode(), true)
    if (!this.#coloured) return rest
    this.#coloured = false
    return `${rest}\x1b[0m`
  }

  #filter(text: string, last: boolean): string {
    this.#pending = ''
    unsafe.lastIndex = 0
    if (!unsafe.test(text)) return this.#withoutHalfPair(text, last)
    let out = ''
    let at = 0
    for (;;) {
      unsafe.lastIndex = at
      const index = unsafe.exec(text)?.index
      if (index === undefined) return out + this.#withoutHalfPair(text.slice(at), last)
      out += text.slice(at, index)
      const code = text.charCodeAt(index)
      at = index + 1
      if (code !== esc) {
        if (code !== backspace) out += inert(code)
        continue
      }
      csi.lastIndex = index
      const sequence = csi.exec(text)
      if (sequence) {
        at = csi.lastIndex
        out += this.#colour(sequence)
        continue
      }
      partial.lastIndex = index
      if (!last && partial.test(text)) {
        this.#pending = text.slice(index)
        return out
      }
      out += shownEsc
    }
  }

  #colour([whole, parameters = '', final]: RegExpExecArray): string {
    if (final !== 'm' || !/^[\d;:]*$/.test(parameters)) return ''
    this.#coloured = !/^0*$/.test(parameters)
    return whole
  }

  /** Half of a surrogate pair at the end of a text chunk waits for its other half. */
  #withoutHalfPair(text: string, last: boolean): string {
    const code = text.charCodeAt(text.length - 1)
    if (last || !(code >= 0xd800 && code <= 0xdbff)) return text
    this.#pending = text.slice(-1)
    return text.slice(0, -1)
  }
}

/** C0 controls and DEL have pictures of their own in Unicode. */
function inert(code: number): string {
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}

/** A whole text made safe for a terminal, line breaks and colours kept: a traceback, a server's long message. */
export function sanitizeText(text: string): string {
  const filter = new TerminalFilter()
  return filter.write(text) + filter.end()
}

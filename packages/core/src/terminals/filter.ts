import {Changes} from './changes.ts'

/** Strings for the terminal that are neither shown nor harmful: colours (4, 10-12, 104, 110-112), links (8), where prompts are (133). */
const harmlessOsc = /^(?:4|8|10|11|12|104|110|111|112|133)(?:;|$)/
/** sixel images, and questions for settings and capabilities */
const harmlessDcs = /^(?:[\d;]*q|\$q|\+q)/
/** kitty's images, but for those that it would read from a file or from memory here */
const harmlessApc = /^G(?![^;]*t=[fst])[^;]*(?:;|$)/
const longestOsc = 8192
const longestHeader = 256

// eslint-disable-next-line no-control-regex -- control sequences are what is looked for
const special = /[\x05\x1b]|\xc2[\x80-\x9f]|\xc2$/g
// eslint-disable-next-line no-control-regex -- as above
const csi = /\x1b\[([\x30-\x3f]{0,256})([\x20-\x2f]{0,8})([\x40-\x7e])/y
// eslint-disable-next-line no-control-regex -- as above
const unfinished = /\x1b(?:\[[\x30-\x3f]{0,256}[\x20-\x2f]{0,8}|[\x20-\x2f]{0,8})?$/y
// eslint-disable-next-line no-control-regex -- as above
const escape = /\x1b([\x20-\x2f]{0,8})([\x30-\x7e])/y
// a string ends with ST, an OSC with BEL too; CAN, SUB and any other sequence break it off
// eslint-disable-next-line no-control-regex -- as above
const stringEnd = /\x1b\\|[\x07\x18\x1a]|\x1b|\xc2\x9c/g

interface StringState {
  kind: ']' | 'P' | '_' | 'X' | '^'
  /** what came of it until it is clear whether it passes */
  header: string
  /** undefined: not clear yet */
  passes: boolean | undefined
}

/**
 * Remote output on its way to a terminal that is its own. Nearly everything passes, byte for byte, however it is cut: text, colours, the
 * cursor, mouse, paste and screen modes. What would reach beyond the screen is left out: the clipboard (OSC 52), titles, notifications,
 * working folders, files, the size and place of the window, the printer, and what makes a terminal type a title or an answer that the
 * remote side chose. It remembers what was changed, so that it can be undone. `raw`: only that.
 */
export class ScreenFilter {
  readonly changes = new Changes()
  readonly #raw: boolean
  #held = ''
  #string: StringState | undefined

  constructor({raw = false}: {raw?: boolean} = {}) {
    this.#raw = raw
  }

  /** `replayed`: output that was shown before. Questions to the terminal are left out: their answers would be typed now. */
  write(data: Uint8Array, replayed = false): Uint8Array {
    const text = this.#held + Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1')
    special.lastIndex = 0
    if (!this.#string && !special.test(text)) return data
    this.#held = ''
    return Buffer.from(this.#filter(text, replayed), 'latin1')
  }

  #filter(text: string, replayed: boolean): string {
    let out = ''
    let at = 0
    while (at < text.length) {
      if (this.#string) {
        const {shown, next} = this.#inString(this.#string, text, at, replayed)
        out += shown
        at = next
        continue
      }
      special.lastIndex = at
      const index = special.exec(text)?.index
      if (index === undefined) return out + text.slice(at)
      out += text.slice(at, index)
      const {shown, next} = this.#sequence(text, index, replayed)
      out += shown
      at = next
    }
    return out
  }

  #sequence(text: string, index: number, replayed: boolean): {shown: string; next: number} {
    const first = text[index]
    if (first === '\x05') return {shown: this.#raw && !replayed ? first : '', next: index + 1}
    if (first === '\xc2') {
      const second = text[index + 1]
      if (second === undefined) return this.#hold(text, index)
      // eight-bit introducers, as UTF-8: what follows them is text then
      return {shown: this.#raw ? first + second : '', next: index + 2}
    }
    unfinished.lastIndex = index
    if (unfinished.test(text)) return this.#hold(text, index)
    csi.lastIndex = index
    const found = csi.exec(text)
    if (found) {
      const [whole, parameters = '', between = '', final = ''] = found
      if (!this.#passesCsi(parameters, between, final, replayed)) return {shown: '', next: csi.lastIndex}
      this.changes.csi(parameters, between, final)
      return {shown: whole, next: csi.lastIndex}
    }
    const kind = text[index + 1]
    // too long, or with controls in it, which terminals act on and go on: what follows is text then
    if (kind === '[') return {shown: this.#raw ? '\x1b[' : '', next: index + 2}
    if (kind === ']' || kind === 'P' || kind === '_' || kind === 'X' || kind === '^') {
      if (this.#raw && !replayed) return {shown: `\x1b${kind}`, next: index + 2}
      this.#string = {kind, header: '', passes: undefined}
      return {shown: '', next: index + 2}
    }
    escape.lastIndex = index
    const simple = escape.exec(text)
    // alone it would make a sequence of whatever comes next
    if (!simple) return {shown: this.#raw ? '\x1b' : '', next: index + 1}
    const [whole, between = '', final = ''] = simple
    if (final === 'k' && between === '') { // screen's title
      this.#string = {kind: 'X', header: '', passes: this.#raw}
      return {shown: this.#raw ? whole : '', next: escape.lastIndex}
    }
    if (final === 'Z' && between === '' && replayed) return {shown: '', next: escape.lastIndex}
    this.changes.escape(between, final)
    return {shown: whole, next: escape.lastIndex}
  }

  #hold(text: string, index: number): {shown: string; next: number} {
    this.#held = text.slice(index)
    return {shown: '', next: text.length}
  }

  #passesCsi(parameters: string, between: string, final: string, replayed: boolean): boolean {
    if (replayed && isQuestion(parameters, between, final)) return false
    if (this.#raw) return true
    if (final === 'i' && between === '') return false // the printer
    if (final === 'y' && between === '*') return false // a checksum of what the screen shows
    // of the window, only what asks for sizes
    if (final === 't' && between === '') return /^(?:14|15|16|18|19)(?:;|$)/.test(parameters)
    return true
  }

  #inString(state: StringState, text: string, at: number, replayed: boolean): {shown: string; next: number} {
    stringEnd.lastIndex = at
    let end = stringEnd.exec(text)
    // only an OSC ends with BEL
    while (end && end[0] === '\x07' && state.kind !== ']' && state.kind !== 'X') end = stringEnd.exec(text)
    // half of what may end it
    const cut = !end || (end[0] === '\x1b' && end.index === text.length - 1)
    const stop = end ? end.index : text.endsWith('\xc2') ? text.length - 1 : text.length
    const body = text.slice(at, stop)
    if (cut && stop < text.length) this.#held = text.slice(stop)
    let shown = this.#ofString(state, body, !cut, replayed)
    if (cut || !end) return {shown, next: text.length}
    this.#string = undefined
    // another sequence breaks it off, and begins there
    if (end[0] === '\x1b') return {shown: state.passes ? `${shown}\x1b\\` : shown, next: end.index}
    if (state.passes) shown += end[0]
    return {shown, next: end.index + end[0].length}
  }

  /** What of a string is shown now. An OSC is decided on when it is whole, others by how they begin. */
  #ofString(state: StringState, body: string, whole: boolean, replayed: boolean): string {
    if (state.passes !== undefined) return state.passes ? body : ''
    state.header += body
    const {kind, header} = state
    if (!whole && header.length < (kind === ']' ? longestOsc : longestHeader)) return ''
    state.passes = !(replayed && asks(kind, header)) && (this.#raw || ((whole || kind === 'P' || (kind === '_' && header.includes(';'))) && harmless(kind, header)))
    return state.passes ? `\x1b${kind}${header}` : ''
  }
}

function harmless(kind: StringState['kind'], header: string): boolean {
  if (kind === ']') return harmlessOsc.test(header)
  if (kind === 'P') return harmlessDcs.test(header)
  return kind === '_' && harmlessApc.test(header)
}

function asks(kind: StringState['kind'], header: string): boolean {
  if (kind === ']') return /(?:^|;)\?/.test(header)
  return kind === 'P' ? /^(?:\$q|\+q)/.test(header) : kind === '_' && /^G[^;]*a=q/.test(header)
}

/** What a terminal answers as if it was typed. */
function isQuestion(parameters: string, between: string, final: string): boolean {
  if (between === '$') return final === 'p'
  if (between !== '') return false
  if (final === 'c' || final === 'n' || final === 'x' || final === 't') return true
  return (final === 'q' && parameters.startsWith('>')) || (final === 'u' && parameters === '?')
}

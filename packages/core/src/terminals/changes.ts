/** Modes that a terminal is in before anybody changes them: the cursor is shown and blinks as it likes, long lines wrap. */
const usual = new Set([7, 25])
/** The other screen, on which nothing of this one is touched. */
const otherScreen = [1049, 1047, 47]
/** Whether the cursor blinks is its style's matter; 1048 only keeps its place. */
const noMatter = new Set([12, 1048])
/** No terminal has more. */
const mostModes = 64

/** What output has changed about a terminal, besides what it shows: enough to undo it. */
export class Changes {
  readonly #modes = new Map<number, boolean>()
  /** those without `?`: the keyboard is locked (2), text is inserted (4), a new line is a return too (20) */
  readonly #plain = new Set<string>()
  #keyboards = 0
  #keys = false
  #cursor = false
  #keypad = false
  #region = false
  #charset = false

  /** A full-screen program shows its own screen. */
  get onOtherScreen(): boolean {
    return otherScreen.some((mode) => this.#modes.get(mode) === true)
  }

  csi(parameters: string, between: string, final: string): void {
    if (between === '' && (final === 'h' || final === 'l') && parameters.startsWith('?')) {
      for (const mode of parameters.slice(1).split(';').filter(Boolean).map(Number)) this.#mode(mode, final === 'h')
    } else if (between === '' && (final === 'h' || final === 'l')) {
      for (const mode of parameters.split(';').filter((one) => ['2', '4', '20'].includes(one))) this.#plain[final === 'h' ? 'add' : 'delete'](mode)
    } else if (between === '' && final === 'u') {
      if (parameters.startsWith('>')) this.#keyboards++
      else if (parameters.startsWith('<')) this.#keyboards = Math.max(0, this.#keyboards - Number(parameters.slice(1) || 1))
      else if (parameters.startsWith('=')) this.#keyboards = Math.max(1, this.#keyboards)
    } else if (between === '' && final === 'm' && parameters.startsWith('>4')) this.#keys = parameters.startsWith('>4;') && parameters !== '>4;0'
    else if (between === ' ' && final === 'q') this.#cursor = Number(parameters || 0) !== 0
    else if (between === '' && final === 'r' && /^[\d;]*$/.test(parameters)) this.#region = parameters !== ''
    else if (between === '!' && final === 'p') this.#softReset()
  }

  escape(between: string, final: string): void {
    if (between === '' && (final === '=' || final === '>')) this.#keypad = final === '='
    else if (between === '(') this.#charset = final !== 'B'
    else if (between === '' && final === 'c') {
      this.#modes.clear()
      this.#plain.clear()
      this.#keyboards = 0
      this.#keys = this.#cursor = this.#keypad = this.#region = this.#charset = false
    }
  }

  /** Switches modes on that were on where the output begins. */
  assume(modes: readonly number[]): string {
    return modes.map((mode) => {
      this.#mode(mode, true)
      return `\x1b[?${mode}h`
    }).join('')
  }

  /** What brings back the modes that `undo` takes away. */
  redo(): string {
    return [...this.#modes].map(([mode, on]) => `\x1b[?${mode}${on ? 'h' : 'l'}`).join('') + (this.#keypad ? '\x1b=' : '')
  }

  /** What puts the terminal back as it was, and forgets what was changed. Empty when nothing was but colours. */
  undo(): string {
    const changed = [...this.#modes].toReversed()
    let back = '\x1b[0m'
    if (this.#charset) back += '\x1b(B\x0f'
    if (this.#keyboards > 0) back += `\x1b[<${this.#keyboards}u`
    if (this.#keys) back += '\x1b[>4m'
    if (this.#keypad) back += '\x1b>'
    if (this.#cursor) back += '\x1b[0 q'
    for (const mode of this.#plain) back += `\x1b[${mode}l`
    if (this.#region) back += '\x1b7\x1b[r\x1b8' // it would move the cursor
    for (const [mode, on] of changed) {
      if (noMatter.has(mode) || otherScreen.includes(mode) || on === usual.has(mode)) continue
      back += `\x1b[?${mode}${on ? 'l' : 'h'}`
    }
    // last, so that nothing of the above is drawn on the screen that comes back
    for (const mode of otherScreen) if (this.#modes.get(mode)) back += `\x1b[?${mode}l`
    this.escape('', 'c')
    return back
  }

  #softReset(): void {
    for (const mode of [1, 6, 7, 25]) this.#modes.delete(mode)
    this.#keypad = this.#region = this.#charset = false
  }

  #mode(mode: number, on: boolean): void {
    this.#modes.delete(mode)
    if (this.#modes.size >= mostModes) return
    if (on !== usual.has(mode)) this.#modes.set(mode, on)
  }
}

/** A command line up to the cursor, as its words are meant: without quotes and backslashes. */
export interface TypedLine {
  /** those behind the command's name; the last one is being typed, and may be '' */
  words: string[]
  /** the quote that is open at the cursor */
  quote: Quote
  /** so many characters of the last word stay as they are: bash replaces only what is behind them */
  kept: number
}

export type Quote = '' | '"' | "'"

class Word {
  text = ''
  quote: Quote = ''
  kept = 0
  begun = false
}

/**
 * Reads a line as bash does, but expands and runs nothing. `breaks` is COMP_WORDBREAKS: where bash's line editor takes a new word
 * to begin, as behind the `:` of `trainer:data`, though to bash itself it is one word.
 */
export function readBashLine(line: string, breaks: string): TypedLine {
  const words: Word[] = []
  let word = new Word()
  let redirected = false
  const end = (): void => {
    if (word.begun && !redirected) words.push(word)
    if (word.begun) redirected = false
    word = new Word()
  }
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    if (word.quote === "'" || word.quote === '"') {
      if (char === word.quote) word.quote = ''
      else word.text += word.quote === '"' && char === '\\' && /["$`\\]/.test(line[i + 1] ?? '') ? line[++i]! : char
    } else if (/[ \t\n]/.test(char)) end()
    else if (/[;|&()`]/.test(char)) {
      end()
      words.length = 0
    } else if (char === '<' || char === '>') {
      if (/^\d+$/.test(word.text)) word = new Word()
      end()
      redirected = true
    } else {
      word.begun = true
      if (char === '\\' && i + 1 < line.length) word.text += line[++i]!
      else if (char === "'" || char === '"') {
        if (line.indexOf(char, i + 1) === -1) word.kept = word.text.length
        word.quote = char
      } else if (char !== '\\') {
        word.text += char
        if (breaks.includes(char)) word.kept = word.text.length
      }
    }
  }
  const {text, quote, kept} = word
  const complete = words.map((one) => one.text)
  // variables before the command's name
  const at = complete.findIndex((one) => !/^\w+=/.test(one))
  return {words: [...complete.slice(at + 1 || complete.length), text], quote, kept}
}

/** One word as zsh and fish hand it over: it may have backslashes and quotes, the last of them open. */
export function unquoted(word: string): string {
  let text = ''
  let quote = ''
  for (let i = 0; i < word.length; i++) {
    const char = word[i]!
    if (char === quote) quote = ''
    else if (quote === '' && (char === "'" || char === '"')) quote = char
    else if (char === '\\' && quote !== "'") text += word[++i] ?? ''
    else text += char
  }
  return text
}

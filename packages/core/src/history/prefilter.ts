/** What the bytes of a line must hold for a match to be possible; nothing: every line is parsed. */
export interface Prefilter {
  /** these bytes */
  needle?: Buffer
  /** this, in the bytes read as latin1; global */
  loose?: RegExp
}

export interface Wanted {
  text: string
  regex?: boolean
  ignoreCase?: boolean
}

/** Strictly necessary conditions only: a line that matches is never left out. */
export function prefilterOf({text, regex = false, ignoreCase = false}: Wanted): Prefilter {
  // arguments are searched as one text with spaces between, and in the file they are an array
  const longest = (regex ? literalsOf(text) : text.split(' ')).reduce((best, one) => (one.length > best.length ? one : best), '')
  if (longest === '') return {}
  if (!ignoreCase) return {needle: Buffer.from(JSON.stringify(longest).slice(1, -1))}
  // bytes beyond ASCII have no case that latin1 would know of; and without the flag u, JS folds ASCII to ASCII only
  const plain = (longest.match(/[\x20-\x7e]+/g) ?? []).reduce((best, one) => (one.length > best.length ? one : best), '')
  return plain === '' ? {} : {loose: new RegExp(escapePattern(JSON.stringify(plain).slice(1, -1)), 'gi')}
}

/**
 * Runs of plain characters that every match of a pattern holds. Conservative: nothing where there are alternatives, groups or
 * classes, nothing behind a backslash, no character that a quantifier follows.
 */
function literalsOf(pattern: string): string[] {
  if (/[|()[\]]/.test(pattern)) return []
  const found: string[] = []
  let run = ''
  const close = (): void => {
    found.push(...run.split(' '))
    run = ''
  }
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    if (char === '\\') {
      close()
      // an escape may be several characters long: all that could belong to it goes
      i++
      while (/[\w{}-]/.test(pattern.charAt(i + 1))) i++
    } else if (/[*?{]/.test(char)) {
      run = run.slice(0, -1)
      close()
      if (char === '{') while (i < pattern.length && pattern.charAt(i) !== '}') i++
    } else if (/[A-Za-z0-9_ =,:;<>@#%&~'-]/.test(char)) run += char
    else close()
  }
  close()
  return found
}

/** The text as a pattern that matches only it. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
}

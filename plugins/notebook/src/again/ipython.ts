/** Line magics that touch no name. */
const harmless = /^%(matplotlib|config|load_ext|autoreload|precision|who|whos|pwd|history|lsmagic|pinfo)\b/
/** Cell magics whose body is Python as it stands. */
const wrapping = /^%%(time|capture)\b[^\n]*/

/** A cell's text without what only IPython understands; `opaque`: that may do anything. */
export function ipython(source: string): {text: string; opaque: boolean} {
  const cell = source.trimStart()
  if (cell.startsWith('%%')) {
    if (!wrapping.test(cell)) return {text: '', opaque: true}
    // what it captures gets a name
    const captured = /^%%capture\s+([A-Za-z_]\w*)/.exec(cell)?.[1]
    const inner = ipython(cell.replace(wrapping, ''))
    return {...inner, text: captured === undefined ? inner.text : `${captured} = None\n${inner.text}`}
  }
  let opaque = false
  const lines = source.split('\n').map((line) => {
    const [, indent = '', rest = ''] = /^(\s*)(.*)$/s.exec(line) ?? []
    const timed = /^%time\s+(.*)$/s.exec(rest)?.[1]
    if (timed !== undefined) return indent + timed
    if (harmless.test(rest) || /^\?|^[\w.]+\?{1,2}\s*$/.test(rest)) return `${indent}pass`
    if (/^[%!]|=\s*[%!]\s*\w/.test(rest)) opaque = true
    return line
  })
  return {text: lines.join('\n'), opaque}
}

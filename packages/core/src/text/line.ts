/**
 * Characters that must not reach a terminal as they are: C0, DEL, C1, the bidirectional controls, zero-width
 * marks, line and paragraph separators, and lone surrogates.
 */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const shown: Record<string, string> = {'\n': '\\n', '\r': '\\r', '\t': '\\t'}

/**
 * Someone else's text (a name, a path, a server's message) made fit for one line of ours: every unsafe
 * character becomes a visible escape. Texts over `max` UTF-16 units are cut with an ellipsis.
 */
export function sanitizeLine(text: string, max = 500): string {
  // cut first: escaping a giant text only to throw it away would be slow
  const short = text.length > max ? `${text.slice(0, max - 1)}…` : text
  return short.replaceAll(unsafe, char => shown[char] ?? escape(char))
}

function escape(char: string): string {
  const code = char.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

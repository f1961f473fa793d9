import {stripVTControlCharacters} from 'node:util'

/** A fence that the text cannot end: longer than any of its own. */
export function fenced(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language.replaceAll(/[^\w+#-]/g, '')}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}\n`
}

/** Output as text: no colours, no other control characters but line breaks and tabs. */
export const plainText = (text: string): string => stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g, '\uFFFD')

import {stripVTControlCharacters} from 'node:util'

/** What XML 1.0 cannot hold, or what an editor or a browser would act on: C0 but tab and newline, DEL, C1, U+FFFE, U+FFFF, lone surrogates. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsayable = /[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const entities: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'}

/** A program's text as plain text: terminal sequences and control characters are gone, lines end with `\n`. */
export const plainText = (text: string): string => stripVTControlCharacters(text).replaceAll(/\r\n?/g, '\n').replaceAll(unsayable, '')

/** Text as content or attribute of XML 1.0 and HTML, made plain first. */
export const escapeMarkup = (text: string): string => plainText(text).replaceAll(/[&<>"']/g, (one) => entities[one] ?? one)

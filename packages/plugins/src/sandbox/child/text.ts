// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g

/** For the look of it only: the host makes all text harmless. */
export const sanitizeLine = (text: string, max = 500): string =>
  (text.length > max ? `${text.slice(0, max - 1)}…` : text).replaceAll(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

export const inert = (text: string): string => text.split('\n').map((line) => sanitizeLine(line, 10_000)).join('\n')

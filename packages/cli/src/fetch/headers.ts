import {errors} from '@cgpu/core/errors'
import {keepOutOfDebugLog} from '@cgpu/plugin-sdk'
import {readSmallFile, readStdin} from '../input.ts'

/** `Name: value`, or `@FILE` (`@-`: stdin) with one a line, so that no secret stands on a command line. Throws INVALID_HEADER (64). */
export async function readHeaders(given: readonly string[]): Promise<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const text of given) {
    const lines = text.startsWith('@') ? (await (text === '@-' ? readStdin(64 * 1024) : readSmallFile(text.slice(1), 'file of headers', 64 * 1024))).split(/\r?\n/) : [text]
    for (const line of lines.filter((one) => one.trim() !== '')) {
      const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):\s*([\x20-\x7e\t]{0,8000}?)\s*$/.exec(line) ?? []
      if (name === '') throw errors.usage('that is not a header', {code: 'INVALID_HEADER', fix: "give --header 'Name: value', or --header @FILE with one a line"})
      keepOutOfDebugLog(line)
      if (value !== '') keepOutOfDebugLog(value)
      headers[name] = value
    }
  }
  return headers
}

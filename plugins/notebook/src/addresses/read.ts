import {errors, type HookHost, keepOutOfDebugLog} from '@cgpu/plugin-sdk'
import {secretsOf, shownAddress} from './address.ts'
import {handlerOf} from './handlers.ts'
import {fileBehind} from './links.ts'

/** What one string of JavaScript's can hold. */
const mostBytes = 512 * 1024 * 1024 - 64 * 1024

/** The text of the notebook at an address. Throws what the scheme's handler does, and NOTEBOOK_NOT_JSON (65) for a web page. */
export async function readAddress(given: string, host: HookHost | undefined): Promise<string> {
  const address = fileBehind(given)
  for (const secret of secretsOf(address)) keepOutOfDebugLog(secret)
  const {read} = await handlerOf(address, host)
  if (!read) throw errors.usage(`${shownAddress(address)} cannot be read: its plugin only writes`, {code: 'UNKNOWN_SCHEME', category: 'file', fix: 'give a file'})
  const {data} = await read(address, {signal: new AbortController().signal, maxBytes: mostBytes})
  const text = new TextDecoder().decode(data)
  if (/^\s*<(!doctype|html)/i.test(text.slice(0, 200))) {
    throw errors.data(`${shownAddress(address)} is a web page, not a notebook`, {code: 'NOTEBOOK_NOT_JSON', category: 'file', fix: 'give the address of the file itself, such as that of GitHub\'s "Raw"; or sign in, where the page asks for that'})
  }
  return text
}

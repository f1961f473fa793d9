import type {SchemeFiles} from '@cgpu/plugin-sdk'
import {invalidAddress, refusal} from './problems.ts'
import {request} from './request.ts'
import {replaced} from './replaced.ts'

export const notebookType = 'application/x-ipynb+json'
const signIn = 'give what lets you in: https://NAME:PASSWORD@HOST/…, or an address that is signed'

/** `http:` and `https:`; written by PUT. */
export const web: SchemeFiles = {
  async read(address, {signal, maxBytes}) {
    const {status, headers, body} = await request({address, ...target(address), maxBytes, signal})
    if (status !== 200) throw refusal(address, {status, doing: 'read', signIn})
    return {data: body, version: strong(headers.get('etag'))}
  },

  async look(address, {signal}) {
    // who may write need not be let to read, as with an address that is signed for writing
    const {status, headers} = await request({address, ...target(address), method: 'HEAD', maxBytes: 0, signal})
    if (status === 200) return strong(headers.get('etag'))
    return status === 404 ? null : undefined
  },

  async write(address, file, {signal, replaces}) {
    const {url, headers} = target(address)
    const condition: Record<string, string> = replaces === undefined ? {} : replaces === null ? {'If-None-Match': '*'} : {'If-Match': replaces}
    const answer = await request({address, url, method: 'PUT', headers: {...headers, 'Content-Type': notebookType, ...condition}, body: file, maxBytes: 1024 * 1024, signal})
    if (answer.status >= 200 && answer.status < 300) return strong(answer.headers.get('etag'))
    if (answer.status === 412 && answer.tries > 1) return replaced(web, {address, file, signal})
    throw refusal(address, {status: answer.status, doing: 'write', signIn})
  },
}

/** A name and a password become basic authorization, as browsers have it. */
function target(address: string): {url: string; headers: Record<string, string>} {
  const url = URL.parse(address)
  if (!url?.hostname) throw invalidAddress(address, 'https://HOST/PATH')
  const {username, password} = url
  url.username = ''
  url.password = ''
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {url: url.href, headers: user === ':' ? {} : {Authorization: `Basic ${Buffer.from(user).toString('base64')}`}}
}

/** A weak one says nothing of the bytes. */
const strong = (etag: string | null): string | undefined => (etag === null || etag === '' || etag.startsWith('W/') ? undefined : etag)

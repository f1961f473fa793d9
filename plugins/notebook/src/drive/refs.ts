import {errors, sanitizeLine} from '@cgpu/plugin-sdk'

/** What a person calls a file or folder of Drive. */
export type DriveRef =
  | {kind: 'id'; id: string}
  /** a name, which may also be a path below My Drive; what could be an id is tried as one first */
  | {kind: 'name'; name: string; maybeId: boolean}

const id = /^[\w-]{10,120}$/

/** `drive:` in front may be left out. Throws INVALID_LINK (64) for an address that is none of Drive's or Colab's. `colab`: where its pages are. */
export function parseRef(text: string, colab = 'https://colab.research.google.com'): DriveRef {
  const given = text.replace(/^drive:(?!\/\/)/i, '').trim()
  if (given === '') throw errors.usage('the name of the notebook is empty', {code: 'INVALID_NAME', fix: 'give its name, its id, or its address: cgpu notebook list'})
  if (/^https?:\/\//i.test(given)) {
    const found = idInLink(given, colab)
    if (found !== undefined) return {kind: 'id', id: found}
    throw errors.usage(`${sanitizeLine(given, 200)} is no address of a notebook in Drive`, {code: 'INVALID_LINK', fix: 'copy the address from Colab or Drive, or give the name or id: cgpu notebook list'})
  }
  return {kind: 'name', name: given.replace(/^\/+/, '') || given, maybeId: /^[\w-]{19,120}$/.test(given)}
}

/** `colab…/drive/ID`, `drive.google.com/file/d/ID/view`, `…/open?id=ID`, `…/drive/folders/ID`, `docs.google.com/…/d/ID`. */
function idInLink(text: string, colab: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const path = url.pathname.split('/').filter((part) => part !== '')
  let found: string | null | undefined
  if (url.origin === new URL(colab).origin || url.hostname === 'colab.research.google.com' || url.hostname === 'colab.google.com') {
    found = path[0] === 'drive' ? path[1] : undefined
  } else if (url.hostname === 'drive.google.com' || url.hostname === 'docs.google.com') {
    const before = path.findIndex((part) => part === 'd' || part === 'folders')
    found = before === -1 ? url.searchParams.get('id') : path[before + 1]
  }
  return typeof found === 'string' && id.test(found) ? found : undefined
}

/** For Drive's queries: `'it\'s'`. */
export const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

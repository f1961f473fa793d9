import {sanitizeLine} from '@cgpu/plugin-sdk'

/** schemes whose addresses need no slashes */
const bare = new Set(['drive'])

/** Whether it is an address, not a path: `https://…`, `s3://…`, `drive:…`. A drive of Windows has one letter. */
export function isAddress(text: string): boolean {
  const [, scheme = '', slashes] = /^([a-z][a-z0-9+.-]{1,30}):(\/\/)?/i.exec(text) ?? []
  return scheme !== '' && (slashes !== undefined || bare.has(scheme.toLowerCase()))
}

export const schemeOf = (address: string): string => address.slice(0, address.indexOf(':')).toLowerCase()

/** The address without what may be a secret: no name and password, no query. */
export function shownAddress(address: string): string {
  return sanitizeLine(address.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1'), 300)
}

/** A path as it is, an address without its secrets. */
export const openPlace = (place: string): string => (isAddress(place) ? shownAddress(place) : place)

/** A path or an address as it is shown. */
export const shownPlace = (place: string): string => sanitizeLine(openPlace(place))

/** What in an address may be a secret: its name and password, its query. */
export function secretsOf(address: string): string[] {
  const [, user] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/i.exec(address) ?? []
  const query = /\?([^#]*)/.exec(address)?.[1]
  return [user, query].filter((one) => one !== undefined && one !== '') as string[] // as the filter leaves them
}

/** The last part of its path, as a file's name: without folders, whatever it is encoded as. */
export function nameOf(address: string): string {
  const last = address.replace(/[?#].*$/s, '').replace(/\/+$/, '').split(/[/:]/).at(-1) ?? ''
  let name = last
  try {
    name = decodeURIComponent(last)
  } catch {
    // as it is
  }
  name = (name.split(/[/\\]/).at(-1) ?? '').replace(/[\p{Cc}<>:"|?*]/gu, '_').slice(0, 200)
  return name === '' || name === '.' || name === '..' ? 'notebook.ipynb' : name
}

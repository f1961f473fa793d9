import {type CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {shownAddress} from './address.ts'

export type Doing = 'read' | 'write'

export interface Refusal {
  status: number
  /** what the server says of it, in a few words */
  why?: string | undefined
  doing: Doing
  /** how to be let in there */
  signIn: string
}

/** What an HTTP status means to who asked: ADDRESS_REFUSED (67), NOTEBOOK_NOT_FOUND (66), COPY_CHANGED (72), CANNOT_WRITE (73), ADDRESS_UNREACHABLE (69). */
export function refusal(address: string, {status, why, doing, signIn}: Refusal): CgpuError {
  const shown = shownAddress(address)
  const said = `the server answers ${status}${why ? `, ${sanitizeLine(why, 200)}` : ''}`
  if (status === 401 || status === 403) {
    return errors.auth(`${shown} may not be ${doing === 'read' ? 'read' : 'written'}: ${said}`, {code: 'ADDRESS_REFUSED', fix: signIn})
  }
  if (status === 412 || status === 409) {
    return errors.conflict(`${shown} was changed by somebody else meanwhile`, {code: 'COPY_CHANGED', category: 'file', fix: 'look at what is there now, and give another place with -o'})
  }
  if (status === 408 || status === 429 || status >= 500) return unreachable(address, said)
  if (doing === 'write') return errors.cannotWrite(`${shown} cannot be written: ${said}`, {code: 'CANNOT_WRITE', fix: 'give another place with -o'})
  return errors.notFound(`${shown}: ${status === 404 || status === 410 ? 'there is no such file' : said}`, {code: 'NOTEBOOK_NOT_FOUND', category: 'file', fix: 'give the address of an .ipynb file'})
}

export function unreachable(address: string, why: string, cause?: unknown): CgpuError {
  return errors.network(`${shownAddress(address)} cannot be reached: ${sanitizeLine(why, 300)}`, {code: 'ADDRESS_UNREACHABLE', retryable: true, fix: 'try again later, or give a local file', ...(cause === undefined ? {} : {cause})})
}

export function invalidAddress(address: string, form: string): CgpuError {
  return errors.usage(`${shownAddress(address)} is not the address of a file`, {code: 'INVALID_ADDRESS', category: 'file', fix: `give ${form}`})
}

export function tooLarge(address: string, maxBytes: number): CgpuError {
  return errors.data(`${shownAddress(address)} has more than ${Math.round(maxBytes / 1024 / 1024)} MiB`, {code: 'NOTEBOOK_INVALID', category: 'file', fix: 'fetch it to a file first'})
}

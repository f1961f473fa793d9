import {errors} from '@cgpu/core/errors'
import type {Target} from '@cgpu/core/ports/tunnel'
import {sanitizeLine} from '@cgpu/core/text/line'

/** `PORT` of the machine itself, or `HOST:PORT` as it sees it. Throws INVALID_PORT (64). */
export function parsePlaceOfPort(text: string): Target {
  const [, host = 'localhost', digits = ''] = /^(?:(\[[0-9A-Fa-f:.%]+\]|[^:[\]\s]+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits !== '' && port > 0 && port < 65_536) return {host: host.replace(/^\[|\]$/g, ''), port}
  throw errors.usage(`not a port: ${sanitizeLine(text, 100)}`, {code: 'INVALID_PORT', fix: 'give its number, or HOST:PORT'})
}

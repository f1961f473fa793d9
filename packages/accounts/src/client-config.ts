import {open} from 'node:fs/promises'
import {z} from 'zod/mini'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {isLoopback} from '@cgpu/core/loopback'
import {parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'

/** An OAuth client: who asks for the sign-in. */
export interface OAuthClient {
  id: string
  secret?: string | undefined
  /** the only address that it may be called back on (clients of the type "web"); absent: any port of loopback */
  redirectUri?: string | undefined
}

const text = z.string().check(z.regex(/^[\x21-\x7e]{1,1000}$/))
const client = z.object({client_id: text, client_secret: z.optional(text), redirect_uris: z.optional(z.array(z.string()))})
/** As Google's console gives it (`client_secret_….json`), or just the two fields. */
const shape = z.union([z.object({installed: client}), z.object({web: client}), client])

/** Reads a file with an OAuth client. Throws CLIENT_CONFIG_INVALID (65), FILE_NOT_FOUND (66). */
export async function readClientConfig(path: string): Promise<OAuthClient> {
  const shown = sanitizeLine(path, 200)
  const body = await readJsonFile(path, 'client config')
  const parsed = z.safeParse(shape, body)
  if (!parsed.success) {
    throw errors.data(`${shown} holds no OAuth client`, {
      code: 'CLIENT_CONFIG_INVALID', category: 'file', fix: 'give the JSON file that the Google Cloud console offers for a client of the type "Desktop app"',
    })
  }
  const web = 'web' in parsed.data
  const found = 'installed' in parsed.data ? parsed.data.installed : 'web' in parsed.data ? parsed.data.web : parsed.data
  return {
    id: found.client_id,
    ...(found.client_secret === undefined ? {} : {secret: found.client_secret}),
    ...(web ? {redirectUri: loopbackOf(found.redirect_uris ?? [], shown)} : {}),
  }
}

function loopbackOf(uris: string[], shown: string): string {
  const usable = uris.find(one => URL.canParse(one) && new URL(one).protocol === 'http:' && isLoopback(new URL(one).hostname) && new URL(one).port !== '')
  if (usable !== undefined) return usable
  throw errors.data(`the client of ${shown} is of the type "web", and no redirect URI of it is on this machine`, {
    code: 'CLIENT_CONFIG_INVALID', category: 'file', fix: 'make a client of the type "Desktop app", or give this one a redirect URI such as http://127.0.0.1:8766/',
  })
}

/** A small JSON file that a person names. `secret`: refused when others may read it. */
export async function readJsonFile(path: string, what: string, secret = false): Promise<unknown> {
  const shown = sanitizeLine(path, 200)
  let content: string
  try {
    const file = await open(path, 'r')
    try {
      const {mode, size} = await file.stat()
      if (secret && process.platform !== 'win32' && (mode & 0o077) !== 0) throw exposed(shown, mode)
      if (size > 1024 * 1024) throw errors.data(`${shown} is too big for a ${what}`, {code: 'INPUT_TOO_BIG', category: 'file', fix: 'check the path'})
      content = await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined || !/^E[A-Z]+$/.test(errno)) throw error
    if (errno === 'EACCES') throw errors.notFound(`${shown} cannot be read: permission denied`, {code: 'FILE_UNREADABLE', category: 'file', fix: `chmod u+r ${shown}`})
    throw errors.notFound(`there is no ${what} ${shown}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path'})
  }
  try {
    return parseJson(content)
  } catch {
    throw errors.data(`${shown} is no JSON`, {code: 'INVALID_JSON', category: 'file', fix: `give the path of a ${what}`})
  }
}

function exposed(shown: string, mode: number): CgpuError {
  return errors.auth(`${shown} holds a secret, and other users of this machine may read it (mode ${(mode & 0o777).toString(8)})`, {
    code: 'SECRETS_EXPOSED', category: 'file', fix: `chmod 600 ${shown}`,
  })
}

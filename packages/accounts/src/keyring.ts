import type * as library from '@napi-rs/keyring'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {uniqueTag} from '@cgpu/core/state/token'
import {sanitizeLine} from '@cgpu/core/text/line'

/** The system's keyring: texts by name, under the service `cgpu`. Throws KEYRING_UNAVAILABLE (67). */
export interface Keyring {
  get(name: string): Promise<string | undefined>
  set(name: string, text: string): Promise<void>
  delete(name: string): Promise<void>
}

type Entry = Pick<library.AsyncEntry, 'getPassword' | 'setPassword' | 'deletePassword'>

const service = 'cgpu'
/** A locked keyring may ask the person at the screen, who may not be there. */
const patienceMs = 3_000
const keyringFix = 'unlock the keyring and try again, or keep sign-ins in a file: CGPU_KEYRING=off cgpu auth login'

/** The system's keyring, or KEYRING_UNAVAILABLE when there is none. */
export async function openKeyring(): Promise<Keyring> {
  let module: typeof library
  try {
    module = await import('@napi-rs/keyring')
  } catch (error) {
    throw unavailable(error, 'there is no keyring for this system')
  }
  // left alone, the library takes the kernel's keyring where there is no desktop: gone at the next start of the machine
  return keyringOver(name => new module.AsyncEntry(service, name, {linux: {store: 'secret-service'}}))
}

/** Writes are read back: a keyring that takes a text and forgets it is none. */
export function keyringOver(entryOf: (name: string) => Entry): Keyring {
  let proven = false
  const timely = async <T>(name: string, use: (entry: Entry, signal: AbortSignal) => Promise<T>): Promise<T> => {
    const {promise: late, reject} = Promise.withResolvers<never>()
    const controller = new AbortController()
    const timer = setTimeout(() => {
      reject(new Error(`no answer within ${patienceMs / 1000} s`))
      controller.abort()
    }, patienceMs)
    try {
      return await Promise.race([late, Promise.resolve().then(() => use(entryOf(name), controller.signal))])
    } catch (error) {
      throw unavailable(error)
    } finally {
      clearTimeout(timer)
    }
  }
  const probe = async (): Promise<void> => {
    const name = `probe ${uniqueTag()}`
    await timely(name, (entry, signal) => entry.setPassword(name, signal))
    const back = await timely(name, (entry, signal) => entry.getPassword(signal))
    await timely(name, (entry, signal) => entry.deletePassword(signal))
    if (back !== name) throw unavailable(undefined, 'the keyring forgets what it is given')
    proven = true
  }
  return {
    get: async name => (await timely(name, (entry, signal) => entry.getPassword(signal))) ?? undefined,
    async set(name, text) {
      if (!proven) await probe()
      await timely(name, (entry, signal) => entry.setPassword(text, signal))
    },
    delete: async name => void (await timely(name, (entry, signal) => entry.deletePassword(signal))),
  }
}

/** What the library's messages mean, as seen with gnome-keyring and without it. */
const meanings: [RegExp, string][] = [
  [/prompt was dismissed|\blocked\b/i, 'the keyring is locked'],
  [/no answer within|did not receive a reply|timed? ?out/i, 'the keyring does not answer'],
  [/DBUS_SESSION_BUS_ADDRESS|no result found|not provided by any|ServiceUnknown|No such file|Connection refused/i, 'there is no keyring in this session'],
]

function unavailable(cause: unknown, what?: string): CgpuError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const message = what ?? meanings.find(([pattern]) => pattern.test(text))?.[1] ?? `the keyring cannot be used: ${sanitizeLine(text, 160)}`
  return errors.auth(message, {code: 'KEYRING_UNAVAILABLE', fix: keyringFix, cause})
}

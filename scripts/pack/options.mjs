// What the scripts that pack and sign are told: by options, by variables for CI, by package.json. What is missing or wrong ends them with one line.
import {createPrivateKey} from 'node:crypto'
import {readFileSync} from 'node:fs'

const publicKey = /^ed25519:[A-Za-z0-9+/]{43}=$/

/** Ends the script. */
export function fail(message, fix, status = 64) {
  console.error(`error: ${message}${fix === undefined ? '' : `\nfix: ${fix}`}`)
  process.exit(status)
}

function addressIn(text, name) {
  const url = text === null ? undefined : URL.parse(text)
  if (url === null) fail(`${name}: "${text}" is no address`)
  if (url && url.protocol !== 'https:' && !['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)) fail(`${name}: "${text}" is not https`)
  return text
}

function publicKeysIn(keys, name) {
  for (const key of keys) if (!publicKey.test(key)) fail(`${name}: "${key}" is no public key`, 'give what pack-keys.mjs printed: "ed25519:" and 44 characters')
  return keys
}

/**
 * {url, keys} of a server that is built in: `what` is `update` or `index`, `given` its {url, keys} by option, `own` those of package.json. Both or
 * neither: a server without a key would be believed by nobody.
 */
export function builtIn(what, given, own = {}, env = process.env) {
  const [urlName, keyName] = [`--${what}-url`, `--${what}-key`]
  const variable = (name) => env[`CGPU_PACK_${what.toUpperCase()}_${name}`] || undefined
  const url = addressIn(given.url ?? variable('URL') ?? own.url ?? null, urlName)
  const keys = publicKeysIn(given.keys ?? variable('KEY')?.split(',').map((one) => one.trim()) ?? own.keys ?? [], keyName)
  if (url !== null && keys.length === 0) fail(`${urlName} is given, and no key that signs what is there`, `${keyName} KEY, or CGPU_PACK_${what.toUpperCase()}_KEY`)
  if (url === null && keys.length > 0) fail(`${keyName} is given, and no server`, `${urlName} URL, or CGPU_PACK_${what.toUpperCase()}_URL`)
  return {url, keys}
}

/** Private keys as PEM, from files that `--key` or a variable (separated by commas) names. */
export function privateKeys(files, variable, env = process.env) {
  const paths = files ?? env[variable]?.split(',').map((one) => one.trim()).filter(Boolean) ?? []
  if (paths.length === 0) fail('there is no key to sign with', `--key FILE, or ${variable}; make one: node scripts/pack-keys.mjs FILE`)
  return paths.map((path) => {
    let pem
    try {
      pem = readFileSync(path, 'utf8')
    } catch (error) {
      fail(`the key ${path} cannot be read: ${error.code ?? error.message}`, 'give the file that pack-keys.mjs wrote', 66)
    }
    try {
      if (createPrivateKey(pem).asymmetricKeyType === 'ed25519') return pem
    } catch {
      // said below
    }
    return fail(`${path} holds no private Ed25519 key`, 'give the file that pack-keys.mjs wrote', 65)
  })
}

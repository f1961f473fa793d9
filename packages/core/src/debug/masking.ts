import {Redactor} from '../text/redact.ts'
import {maskSecrets} from '../text/secret-patterns.ts'

const secretName = /token|passw|secret|credential|api_?key|access_?key|private_?key/i

/**
 * What takes secrets out of a log or a bundle: those that are given, values of variables that are named like secrets, passwords of proxies, and
 * whatever looks like one. Secret stores are not read for it.
 */
export function masking(env: NodeJS.ProcessEnv, secrets: Iterable<string> = []): (text: string) => string {
  const known = new Redactor(secrets)
  for (const [name, value = ''] of Object.entries(env)) {
    if (secretName.test(name)) known.add(value.trim())
    const password = /:\/\/[^\s/?#:@]*:([^\s/?#]+)@/.exec(value)?.[1]
    if (password !== undefined) known.add(password)
  }
  return (text) => maskSecrets(known.redact(text))
}

const flag = /^(--?[\w-]*(?:token|passw|secret|credential|api-?key)[\w-]*)(=|$)/i
const mark = '[redacted]'

/** A command line as it may be written down: without values of flags that are named like secrets, and of `--env`. */
export function maskedArgv(argv: readonly string[]): string[] {
  let secret = false
  return argv.map((token) => {
    const before = secret
    secret = false
    const [, name, assigned] = flag.exec(token) ?? []
    if (name !== undefined && !name.endsWith('-stdin')) {
      if (assigned === '=') return `${name}=${mark}`
      secret = true
      return token
    }
    if (before && !token.startsWith('-')) return mark
    // --env NAME=VALUE: whatever it is, it is the program's
    return maskSecrets(token.replace(/^((?:--env=|-e)?[A-Za-z_]\w*=)[^]+$/, `$1${mark}`))
  })
}

import {Redactor} from '../text/redact.ts'
import {tokenShapes} from '../text/secret-patterns.ts'

const mark = '[redacted]'

/** Whether something was taken out of it. */
export const isRedacted = (text: string): boolean => text.includes(mark)

/** "basic" and "token" are also words that people write */
const bearer = /\b(Bearer)(\s+)[\w.~+/=-]{8,}|\b(Basic|Token)(\s+)(?=[\w.~+/=-]*[\d.~+/=-])[\w.~+/=-]{8,}/gi
/** the password is up to the last @ before the path: it may hold one itself */
const userInfo = /\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"']*):([^\s/"']+)@/gi
const urlParameter = /([?&](?:access_token|api_?key|key|password|sig|signature|token)=)[^&\s"'#]+/gi

const secretName = String.raw`(?:[\w-]*[_-])?(?:password|passwd|secret|token|api[_-]?key|access[_-]?key)`
/** `--password=x`, `token=x` as a whole argument */
const argument = new RegExp(String.raw`^(-{0,2}${secretName}[=:]).+$`, 'is')
const secretFlag = new RegExp(String.raw`^--?${secretName}$`, 'i')
/** the same inside of a command line, or with a quoted value inside of code; `token = get()` is left alone */
const inText = [
  new RegExp(String.raw`((?<![\w-])--${secretName}(?:=|\s+))(?!-)("[^"]*"|'[^']*'|[^\s"'&;|)\[]+)`, 'gi'),
  new RegExp(String.raw`((?<![\w-])${secretName}["']?\s*(?:=|:)\s*[rbuf]?)("(?!<)[^\s"]{6,}"|'(?!<)[^\s']{6,}')`, 'gi'),
  // as the shell sets a variable
  new RegExp(String.raw`((?<![\w-])(?:export\s+)?[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY)=)[^\s"'$(]{6,}`, 'g'),
]

/** Takes secrets out of what the history keeps: those that are known, and those that look like one. */
export class HistoryRedactor {
  readonly #known: Redactor
  readonly #values: Redactor

  /** `secrets` go from everything; `values`, of the environment, from what was printed only: a path in one may be an argument, too. */
  constructor(secrets: Iterable<string> = [], values: Iterable<string> = []) {
    this.#known = new Redactor(secrets)
    this.#values = new Redactor(values)
  }

  /** Of code, a command line, a message. */
  text(text: string): string {
    let clean = this.#known.redact(text)
    clean = clean.replaceAll(tokenShapes, mark).replaceAll(bearer, `$1$2$3$4${mark}`).replaceAll(userInfo, `$1:${mark}@`).replaceAll(urlParameter, `$1${mark}`)
    for (const pattern of inText) clean = clean.replaceAll(pattern, (_whole, name: string) => `${name}${mark}`)
    return clean
  }

  /** Of arguments: also what follows `--password`. */
  args(args: readonly string[]): string[] {
    return args.map((arg, i) => {
      if (i > 0 && secretFlag.test(args[i - 1] ?? '') && !arg.startsWith('-')) return mark
      return this.text(arg.replace(argument, `$1${mark}`))
    })
  }

  /** Of output whose beginning was `cut` off: half a secret that stands there goes, too. */
  tail(text: string, cut: boolean): string {
    const whole = cut ? this.#values.afterCut(this.#known.afterCut(text)) : text
    // and the word that was cut, as it may be half of something that nobody knows
    const clean = cut ? whole.replace(/^\S{0,1000}(?:\s|$)/, '') : whole
    return this.text(this.#values.redact(clean))
  }
}

/** Whether a variable of that name is taken for a secret. */
export function isSecretName(name: string): boolean {
  return /pass|secret|token|key|cred|auth/i.test(name)
}

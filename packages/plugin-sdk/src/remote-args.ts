import {errors} from '@cgpu/core/errors'
import {closest} from '@cgpu/core/text/closest'
import {sanitizeLine} from '@cgpu/core/text/line'

/** What is needed of a flag's definition; oclif's own and the manifest's both have it. */
export interface FlagShape {
  type: 'boolean' | 'option'
  char?: string | undefined
  aliases?: string[] | undefined
  charAliases?: string[] | undefined
  allowNo?: boolean | undefined
}

export interface SplitArgs {
  /** cgpu's own flags with their values, nothing else */
  own: string[]
  /** the remote program and its arguments, verbatim */
  rest: string[]
  /** true when `--` stood before `rest`: it is a command, not a script */
  separator: boolean
}

interface Known {
  long: Map<string, FlagShape>
  short: Map<string, FlagShape>
}

function knownFlags(flags: Record<string, FlagShape>): Known {
  const long = new Map<string, FlagShape>()
  const short = new Map<string, FlagShape>()
  for (const [name, flag] of Object.entries(flags)) {
    for (const alias of [name, ...(flag.aliases ?? [])]) {
      ;(alias.length === 1 ? short : long).set(alias, flag)
      if (flag.type === 'boolean' && flag.allowNo) long.set(`no-${alias}`, flag)
    }
    for (const char of [flag.char, ...(flag.charAliases ?? [])]) if (char) short.set(char, flag)
  }
  return {long, short}
}

/** The error for a flag that a command does not have. `names` are its long flags without dashes. */
export function unknownFlag(token: string, names: Iterable<string>, hint: string) {
  const name = token.replace(/^--?/, '').split('=', 1)[0] ?? ''
  const near = closest(name, names)
  return errors.usage(`unknown flag ${sanitizeLine(token.split('=', 1)[0] ?? token, 80)}`, {
    code: 'UNKNOWN_FLAG',
    fix: near === undefined ? hint : `did you mean --${near}? ${hint}`,
  })
}

/** Whether a short token such as `-qv` or `-rNAME` ends with a flag that still waits for its value. */
function shortWaits(token: string, short: Known['short']): boolean | undefined {
  for (let i = 1; i < token.length; i++) {
    const flag = short.get(token[i]!)
    if (!flag) return undefined
    if (flag.type === 'option') return i === token.length - 1
  }
  return false
}

/**
 * Splits at the first positional argument or `--`: what stands before belongs to cgpu, the rest goes to the remote program
 * as it is. Flags that take a value take the next token, whatever it looks like, but never `--`.
 * Throws UNKNOWN_FLAG for a flag before the program that is not among `flags`.
 */
export function splitRemoteArgs(argv: readonly string[], flags: Record<string, FlagShape>): SplitArgs {
  const {long, short} = knownFlags(flags)
  const own: string[] = []
  let i = 0
  while (i < argv.length) {
    const token = argv[i]!
    if (token === '--') return {own, rest: argv.slice(i + 1), separator: true}
    if (!token.startsWith('-') || token === '-') break
    let waits: boolean | undefined
    if (token.startsWith('--')) {
      const equals = token.indexOf('=')
      const flag = long.get(equals === -1 ? token.slice(2) : token.slice(2, equals))
      if (flag && equals !== -1 && flag.type === 'boolean') {
        throw errors.usage(`${sanitizeLine(token.slice(0, equals), 80)} takes no value`, {code: 'USAGE', fix: 'leave out what follows ='})
      }
      waits = flag && flag.type === 'option' && equals === -1
    } else {
      waits = shortWaits(token, short)
    }
    if (waits === undefined) throw unknownFlag(token, long.keys(), 'flags of your own program go after its path')
    own.push(token)
    i++
    if (waits && i < argv.length && argv[i] !== '--') own.push(argv[i++]!)
  }
  return {own, rest: argv.slice(i), separator: false}
}

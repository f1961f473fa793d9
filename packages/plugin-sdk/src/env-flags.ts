import type {FlagInput} from '@oclif/core/interfaces'

/** `--high-ram` is `CGPU_HIGH_RAM`. */
export const envName = (flag: string): string => `CGPU_${flag.toUpperCase().replaceAll('-', '_')}`

/**
 * Gives every flag its environment variable, and lets repeatable flags take one value at a time
 * (oclif's default would swallow the arguments behind them).
 */
export function withEnv<F extends FlagInput>(flags: F): F {
  for (const [name, flag] of Object.entries(flags)) {
    flag.env ??= envName(name)
    if (flag.type === 'option' && flag.multiple) flag.multipleNonGreedy ??= true
  }
  return flags
}

/** oclif reads a boolean's variable this way; ours must agree before anything is parsed. */
export const isTruthy = (value: string | undefined): boolean =>
  value !== undefined && ['1', 'true', 'y', 'yes'].includes(value.toLowerCase())

interface EnvFlag {
  type: string
  env?: string | undefined
  multiple?: boolean | undefined
}

/**
 * Arguments that stand for the variables of repeatable flags: oclif would hand such a value over as one string.
 * `CGPU_INCLUDE=a,b` becomes `--include=a --include=b`; a flag given in `argv` wins over its variable.
 */
export function envArguments(flags: Record<string, EnvFlag>, argv: string[], env: NodeJS.ProcessEnv = process.env): string[] {
  return Object.entries(flags).flatMap(([name, flag]) => {
    const value = flag.env === undefined ? undefined : env[flag.env]
    if (flag.type !== 'option' || !flag.multiple || !value) return []
    const given = argv.some((token) => token === `--${name}` || token.startsWith(`--${name}=`))
    return given ? [] : value.split(',').map((part) => part.trim()).filter(Boolean).map((part) => `--${name}=${part}`)
  })
}

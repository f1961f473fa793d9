/** An `exec` that was plainly typed. */
export interface QuickArguments {
  code?: string
  file?: string
  runtime?: string
  kernel?: string
  timeout?: string
  outputDir?: string
  freshKernel: boolean
  quiet: boolean
  verbose: boolean
  kind: 'text' | 'json' | 'ndjson'
}

const values: Record<string, 'file' | 'runtime' | 'kernel' | 'timeout' | 'outputDir' | 'output'> = {
  '-f': 'file', '--file': 'file', '-r': 'runtime', '--runtime': 'runtime', '--kernel': 'kernel', '--timeout': 'timeout', '--output-dir': 'outputDir', '--output': 'output',
}
const switches: Record<string, 'freshKernel' | 'quiet' | 'verbose' | 'json'> = {
  '--new-kernel': 'freshKernel', '-q': 'quiet', '--quiet': 'quiet', '-v': 'verbose', '--verbose': 'verbose', '--json': 'json',
}
/** flags that may come from the environment; that of a setting is the daemon's business */
const variables = ['FILE', 'TIMEOUT', 'OUTPUT_DIR', 'OUTPUT', 'NEW_KERNEL', 'QUIET', 'VERBOSE', 'JSON', 'SECRET']

/**
 * Reads the arguments of `exec` where there is only one way to read them. Undefined: the command itself has to, with oclif's
 * parser, which is slow to load and explains what is wrong.
 */
export function quickArguments(argv: readonly string[], env: NodeJS.ProcessEnv): QuickArguments | undefined {
  if (variables.some((name) => env[`CGPU_${name}`])) return undefined
  const given: {[name: string]: string | boolean | undefined; code?: string} = {}
  const set = (name: string, value: string | boolean | undefined): boolean => {
    if (value === undefined || value === '' || given[name] !== undefined) return false
    given[name] = value
    return true
  }
  for (let at = 0; at < argv.length; at++) {
    const token = argv[at] ?? ''
    if (!token.startsWith('-')) {
      if (!set('code', token)) return undefined
      continue
    }
    const equals = token.startsWith('--') ? token.indexOf('=') : -1
    const name = equals === -1 ? token : token.slice(0, equals)
    if (Object.hasOwn(switches, name) && equals === -1) {
      if (!set(switches[name] ?? '', true)) return undefined
    } else if (Object.hasOwn(values, name)) {
      const value = equals === -1 ? argv[++at] : token.slice(equals + 1)
      if (value?.startsWith('-') || !set(values[name] ?? '', value)) return undefined
    } else return undefined
  }
  const {code, file, runtime, kernel, timeout, outputDir, output, freshKernel, quiet, verbose, json} = given as Record<string, string | true | undefined> // as set above
  if ((code === undefined) === (file === undefined)) return undefined
  if (output !== undefined && !['text', 'json', 'ndjson'].includes(String(output))) return undefined
  const kind = json || output === 'json' ? 'json' : output === 'ndjson' ? 'ndjson' : 'text'
  const texts = Object.entries({code, file, runtime, kernel, timeout, outputDir}).filter(([, value]) => value !== undefined)
  return {...Object.fromEntries(texts), freshKernel: freshKernel === true, quiet: quiet === true, verbose: verbose === true, kind}
}

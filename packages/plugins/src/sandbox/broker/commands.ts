import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Capability} from '../../manifest.ts'

/** What a plugin may have cgpu do: a command, with the flags that cannot reach beyond what was granted. */
export interface CommandRule {
  use: Capability['use']
  /** `runtimes` with `manage` */
  manages?: boolean
  /** flags that take a value, given as `--flag=value` */
  values?: readonly string[]
  /** flags that take none */
  switches?: readonly string[]
  /** as `values` and `switches`, for whoever manages runtimes */
  managing?: {values: readonly string[]; switches: readonly string[]}
  /** how many arguments it has at most */
  words?: number
  /** a program stands behind `--`, and nothing before it */
  program?: boolean
}

/** A command of a plugin's, read. */
export interface PluginCall {
  /** `runtime list` */
  command: string
  rule: CommandRule
  flags: [name: string, value: string | true][]
  words: string[]
  /** of a rule with `program` */
  program: string[]
}

const machine = {values: ['provider', 'gpu', 'tpu', 'image', 'wait', 'lease'], switches: ['cpu', 'high-ram', 'allow-downgrade']}
const ofRun: CommandRule = {
  use: 'kernel', program: true, values: ['runtime', 'cwd', 'env', 'packages', 'secret', 'idempotency-key', 'checkpoint', 'resume-cmd'], switches: ['detach', 'keep-stdin'],
  managing: {values: [...machine.values, 'max-restarts'], switches: [...machine.switches, 'keep']},
}
const ofJob: CommandRule = {use: 'kernel', values: ['runtime'], words: 1}

/**
 * The commands of the SDK's `cgpu`. What is missing here is missing on purpose: flags that read or write files of this computer, that take
 * variables of its environment, and commands that change what cgpu itself may do.
 */
const rules: Record<string, CommandRule> = {
  exec: {use: 'kernel', values: ['runtime', 'kernel', 'timeout', 'secret'], switches: ['new-kernel'], words: 1},
  run: ofRun,
  cp: {use: 'kernel', values: ['include', 'exclude'], switches: ['force', 'recursive', 'dry-run'], words: 2},
  'runtime list': {use: 'runtimes'},
  'runtime show': {use: 'runtimes', words: 1},
  'runtime create': {use: 'runtimes', manages: true, values: [...machine.values, 'name'], switches: machine.switches},
  'runtime release': {use: 'runtimes', manages: true, words: 1},
  'kernel list': {use: 'kernel', values: ['runtime']},
  'kernel restart': {use: 'kernel', values: ['runtime'], words: 1},
  'job list': {use: 'kernel', values: ['runtime', 'state']},
  'job show': ofJob,
  'job logs': ofJob,
  'job cancel': {...ofJob, values: ['runtime', 'grace']},
  'fs ls': {use: 'kernel', values: ['runtime', 'sort'], switches: ['all', 'long', 'reverse', 'size', 'time'], words: 1},
  'fs rm': {use: 'kernel', values: ['runtime'], switches: ['force', 'recursive', 'dry-run'], words: 1},
  'history list': {use: 'kernel', values: ['limit', 'kind', 'status', 'runtime', 'since', 'until']},
  'config list': {use: 'runtimes'},
  'config get': {use: 'runtimes', words: 1},
  'secret list': {use: 'secrets'},
}

/**
 * Reads a command line of a plugin's, as strictly as can be: long flags with their values behind `=`, so that what is read here is what
 * cgpu will read. Undefined: no command that a plugin may call. Throws SANDBOX_CALL (65).
 */
export function readCall(args: readonly string[]): PluginCall | undefined {
  const command = [args.slice(0, 2).join(' '), args[0] ?? ''].find(name => Object.hasOwn(rules, name))
  const rule = command === undefined ? undefined : rules[command]
  if (command === undefined || !rule) return undefined
  const rest = args.slice(command.split(' ').length)
  const end = rule.program ? rest.indexOf('--') : -1
  const [own, program] = end === -1 ? [rest, []] : [rest.slice(0, end), rest.slice(end + 1)]
  const flags: PluginCall['flags'] = []
  const words: string[] = []
  for (const token of own) {
    if (token === '--json') continue
    const [, name, value] = /^--([a-z][a-z-]*)(?:=(.*))?$/s.exec(token) ?? []
    if (name !== undefined) flags.push([name, value ?? true])
    else if (token.startsWith('-') && token !== '-') throw wrong(`cannot read ${sanitizeLine(token, 60)}`, 'give flags by their long names: --flag=value')
    else words.push(token)
  }
  if (words.length > (rule.words ?? 0)) throw wrong(`takes no argument ${sanitizeLine(words.at(-1) ?? '', 60)}`, 'programs stand behind --')
  if (rule.program && program.length === 0) throw wrong('was given no program', 'put it behind --')
  for (const [name, value] of flags) {
    const known = [rule, ...(rule.managing ? [rule.managing] : [])].some(({values = [], switches = []}) => (value === true ? switches : values).includes(name))
    if (!known) throw wrong(`does not take --${name}${value === true ? '' : '=…'} from a plugin that is not trusted`, 'do without it')
    if (name === 'env' && value !== true && !value.includes('=')) throw wrong('was given a variable without a value', 'give it as NAME=VALUE')
  }
  return {command, rule, flags, words, program}

  function wrong(what: string, fix: string) {
    return errors.data(`cgpu ${command} ${what}`, {code: 'SANDBOX_CALL', category: 'plugin', fix})
  }
}

/** Whether it asks for a machine of a kind, or to keep one. */
export const asksForMachine = ({rule: {managing}, flags}: PluginCall): boolean => flags.some(([name]) => managing && [...managing.values, ...managing.switches].includes(name))

/** What cgpu is given. */
export function argsOf({command, flags, words, program, rule}: PluginCall): string[] {
  return [...command.split(' '), ...flags.map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`)), '--json', ...words, ...(rule.program ? ['--', ...program] : [])]
}

import {errors} from '@cgpu/core/errors'
import {isObject} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import {z} from 'zod'
import type {Capability} from '../../manifest.ts'
import {argsOf, asksForMachine, readCall} from './commands.ts'
import {runProgram} from './exec.ts'
import {declaredPath, listFolder, readDeclared, writeDeclared} from './files.ts'
import {fetchAllowed} from './net.ts'

/** What only the CLI can do. */
export interface Services {
  /** Runs cgpu in a process of its own, as the SDK does for a plugin that is trusted. */
  call(args: readonly string[], options: {input: string; signal: AbortSignal}): Promise<unknown>
  /** Name of the runtime that commands use where none is named. Throws where there is none. */
  runtime(): Promise<string>
  secret(name: string): Promise<string | undefined>
  /** a line for people on stderr */
  notice(text: string): void
}

export interface BrokerOptions {
  plugin: string
  granted: readonly Capability[]
  services: Services
  /** the folder that the command was started in */
  cwd: string
  home: string
  env: NodeJS.ProcessEnv
}

type Use = Capability['use']
type Granted<U extends Use> = Extract<Capability, {use: U}>

const name = z.string().min(1).max(200)
const path = z.string().min(1).max(4096)
const data = z.string().max(24 * 1024 * 1024)

const schemas = {
  'cgpu.call': z.object({args: z.array(z.string().max(4 * 1024 * 1024)).min(1).max(2000), input: z.string().max(16 * 1024 * 1024).default('')}),
  'secrets.get': z.object({name}),
  'files.read': z.object({path}),
  'files.list': z.object({path}),
  'files.write': z.object({path, data}),
  'net.fetch': z.object({
    url: z.string().max(8192), method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    headers: z.record(z.string().regex(/^[\w-]{1,100}$/), z.string().max(8192)).default({}), body: data.optional(),
  }),
  'exec.run': z.object({program: name, args: z.array(z.string().max(100_000)).max(1000).default([]), input: z.string().max(1024 * 1024).optional()}),
}

type Method = keyof typeof schemas

/** Grants what was agreed to, and nothing else. `signal`: the plugin waits no more. Throws NOT_GRANTED (75), SANDBOX_CALL (65). */
export async function answerCall(method: string, params: unknown, options: BrokerOptions, signal: AbortSignal): Promise<unknown> {
  if (!Object.hasOwn(schemas, method)) throw errors.data(`cgpu cannot do ${sanitizeLine(method, 60)} for a plugin`, {code: 'SANDBOX_CALL', category: 'plugin'})
  const known = method as Method // it is one of the keys
  const {services, cwd, home, env} = options
  const place = {cwd, home}
  const answers: {[M in Method]: (given: z.infer<(typeof schemas)[M]>) => Promise<unknown>} = {
    'cgpu.call': given => runCommand(given, options, signal),
    'secrets.get': async ({name: secret}) => {
      need(options, 'secrets', `the secret ${sanitizeLine(secret, 60)}`, ({names}) => names.includes(secret))
      const value = await services.secret(secret)
      if (value === undefined) throw errors.notFound(`there is no secret ${sanitizeLine(secret, 60)}`, {code: 'SECRET_NOT_FOUND', category: 'usage', fix: `cgpu secret set ${sanitizeLine(secret, 60)}`})
      return {value}
    },
    'files.read': given => readDeclared(given.path, need(options, 'files', `to read ${sanitizeLine(given.path, 200)}`), place, () => refuse(options, `to read ${sanitizeLine(given.path, 200)}`)),
    'files.list': given => listFolder(given.path, need(options, 'files', `to read ${sanitizeLine(given.path, 200)}`), place, () => refuse(options, `to read ${sanitizeLine(given.path, 200)}`)),
    'files.write': given => writeDeclared(given.path, given.data, need(options, 'files', `to write ${sanitizeLine(given.path, 200)}`), place, () => refuse(options, `to write ${sanitizeLine(given.path, 200)}`)),
    'net.fetch': given => fetchAllowed(given, need(options, 'net', 'the network').flatMap(({hosts}) => hosts), host => refuse(options, `to reach ${host}`)),
    'exec.run': given => {
      need(options, 'exec', `to run ${sanitizeLine(given.program, 100)}`, ({programs}) => programs.includes(given.program))
      services.notice(`${options.plugin} runs ${sanitizeLine([given.program, ...given.args].join(' '), 200)}`)
      return runProgram(given, {cwd, env})
    },
  }
  const parsed = schemas[known].safeParse(params ?? {})
  if (!parsed.success) throw errors.data(`${known} was asked wrongly: ${sanitizeLine(parsed.error.issues[0]?.message ?? '', 200)}`, {code: 'SANDBOX_CALL', category: 'plugin'})
  return answers[known](parsed.data as never) // parsed by the schema of this very method
}

/** A command of cgpu's, by the SDK's own way. */
async function runCommand({args, input}: {args: readonly string[]; input: string}, options: BrokerOptions, signal: AbortSignal): Promise<unknown> {
  const {services, plugin, cwd, home} = options
  const call = readCall(args)
  if (!call) return refuse(options, `to run cgpu ${sanitizeLine(args.slice(0, 2).join(' '), 60)}`)
  const {command, rule, flags, words} = call
  const manages = options.granted.some(one => one.use === 'runtimes' && one.access === 'manage')
  const what = `to run cgpu ${command}`
  need(options, rule.use, what)
  if (rule.manages && !manages) refuse(options, what)
  if (asksForMachine(call) && !manages) refuse(options, 'to choose a machine')
  for (const [flag, value] of flags) {
    if (flag === 'secret') need(options, 'secrets', `the secret ${sanitizeLine(String(value), 60)}`, ({names}) => names.includes(String(value)))
  }
  if (rule.manages) services.notice(`${plugin}: cgpu ${sanitizeLine([command, ...words].join(' '), 200)}`)
  // without one, it would make a machine, which costs
  if (command === 'run' && !manages && !flags.some(([flag]) => flag === 'runtime')) flags.push(['runtime', await services.runtime()])
  const places = command === 'cp' ? await Promise.all(words.map((word, at) => placeOf(word, at === words.length - 1 ? 'write' : 'read'))) : words
  const answer = await services.call(argsOf({...call, words: places}), {input, signal})
  return command === 'secret list' ? onlyGranted(answer, options) : answer

  /** One on a runtime as it is, one of this computer as what it really is, where that was granted. */
  async function placeOf(word: string, use: 'read' | 'write'): Promise<string> {
    if (/^[a-z0-9][a-z0-9-]{1,127}:(?!\/\/)/.test(word)) return word
    const doing = `to ${use} ${sanitizeLine(word, 200)}`
    if (word === '-' || word.includes('://')) return refuse(options, doing)
    return declaredPath(word, need(options, 'files', doing).flatMap(one => one[use]), {cwd, home}, () => refuse(options, doing))
  }
}

/** Names of secrets that it was not granted are nobody's business. */
function onlyGranted(answer: unknown, {granted}: BrokerOptions): unknown {
  const names = new Set(granted.flatMap(one => (one.use === 'secrets' ? one.names : [])))
  if (!isObject(answer) || !isObject(answer['envelope']) || !Array.isArray(answer['envelope']['data'])) return answer
  const {envelope} = answer
  return {...answer, envelope: {...envelope, data: answer['envelope']['data'].filter(one => isObject(one) && names.has(String(one['name'])))}}
}

/** What was granted of one kind, of which at least one must do. */
function need<U extends Use>(options: BrokerOptions, use: U, what: string, does: (one: Granted<U>) => boolean = () => true): Granted<U>[] {
  const granted = options.granted.filter((one): one is Granted<U> => one.use === use)
  if (!granted.some(does)) refuse(options, what)
  return granted
}

function refuse({plugin}: BrokerOptions, what: string): never {
  const shown = sanitizeLine(plugin, 100)
  throw errors.vetoed(`${shown} was not granted ${what}`, {
    code: 'NOT_GRANTED', fix: `see what it asks for and what it has: cgpu plugins inspect ${shown}`, details: {plugin: shown},
  })
}

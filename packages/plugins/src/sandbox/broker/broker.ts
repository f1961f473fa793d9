import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {z} from 'zod'
import type {Capability} from '../../manifest.ts'
import {runProgram} from './exec.ts'
import {listFolder, readDeclared, writeDeclared} from './files.ts'
import {fetchAllowed} from './net.ts'

/** A runtime as plugins see it. */
export interface RuntimeView {
  id: string
  name: string
  provider: string
  state?: string | undefined
  accelerator?: string | undefined
}

export interface Executed {
  status: 'ok' | 'error' | 'interrupted'
  exitStatus: number
  stdout: string
  stderr: string
  result: string | null
  truncated: boolean
  error: {name: string; value: string} | null
}

/** What only the CLI can do. */
export interface Services {
  runtimes(): Promise<RuntimeView[]>
  createRuntime(wish: {name?: string | undefined; provider?: string | undefined; accelerator?: string | undefined}): Promise<RuntimeView>
  releaseRuntime(name: string): Promise<RuntimeView>
  executeCode(request: {code: string; runtime?: string | undefined; timeoutMs?: number | undefined}): Promise<Executed>
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
  'runtimes.list': z.object({}),
  'runtimes.create': z.object({name: name.optional(), provider: name.optional(), accelerator: name.optional()}),
  'runtimes.release': z.object({name}),
  'kernel.execute': z.object({code: z.string().max(4 * 1024 * 1024), runtime: name.optional(), timeoutMs: z.number().int().positive().max(24 * 3_600_000).optional()}),
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

/** Grants what was agreed to, and nothing else. Throws NOT_GRANTED (75), SANDBOX_CALL (65). */
export async function answerCall(method: string, params: unknown, options: BrokerOptions): Promise<unknown> {
  if (!Object.hasOwn(schemas, method)) throw errors.data(`cgpu cannot do ${sanitizeLine(method, 60)} for a plugin`, {code: 'SANDBOX_CALL', category: 'plugin'})
  const known = method as Method // it is one of the keys
  const {services, cwd, home, env} = options
  const place = {cwd, home}
  const answers: {[M in Method]: (given: z.infer<(typeof schemas)[M]>) => Promise<unknown>} = {
    'runtimes.list': () => {
      need(options, 'runtimes', 'to see runtimes')
      return services.runtimes()
    },
    'runtimes.create': given => {
      need(options, 'runtimes', 'to create runtimes', ({access}) => access === 'manage')
      services.notice(`${options.plugin} creates a runtime`)
      return services.createRuntime(given)
    },
    'runtimes.release': given => {
      need(options, 'runtimes', 'to release runtimes', ({access}) => access === 'manage')
      services.notice(`${options.plugin} releases ${sanitizeLine(given.name, 100)}`)
      return services.releaseRuntime(given.name)
    },
    'kernel.execute': given => {
      need(options, 'kernel', 'to run code on runtimes')
      return services.executeCode(given)
    },
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

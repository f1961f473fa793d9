/** Stands in for `@cgpu/plugin-sdk`: its own names, but for the command's base. What they ask of cgpu goes over the channel. */
import {callBy, CgpuError, computerBy, fetched, inert, type Computer} from '@cgpu/plugin-sdk/sandbox'
import {ask} from './ask.ts'
import {Command} from './command.ts'
import {boolean, type Definition} from './definitions.ts'
import {tell} from './host.ts'

export {
  CgpuError, cellExitStatus, closest, computer, cgpu, CONTRACT, defineHook, defineMetricSink, defineNotebookExporter, definePipelineExecutor, defineProvider, defineScheme, defineSecretSource, errorCategories, errors, ExitCode, HOOK_BUDGET_MS, inert,
  googleAccess, openBrowser, parseTimeLimit, sanitizeLine, withEnv, withKernel,
} from '@cgpu/plugin-sdk/sandbox'
export {runCommand} from './command.ts'

callBy((args, {input = '', signal} = {}) => ask('cgpu.call', {args, input}, signal))

const base64 = (data: Uint8Array | string): string => Buffer.from(data).toString('base64')
const bytes = (data: string): Uint8Array => new Uint8Array(Buffer.from(data, 'base64'))

const byCgpu: Computer = {
  readFile: async (path) => bytes((await ask<{data: string}>('files.read', {path})).data),
  writeFile: async (path, data) => void (await ask('files.write', {path, data: base64(data)})),
  listFolder: (path) => ask('files.list', {path}),
  async fetch(url, {body, ...rest} = {}) {
    const answer = await ask<{status: number; headers: Record<string, string>; url: string; body: string}>('net.fetch', {url, ...rest, ...(body === undefined ? {} : {body: base64(body)})})
    return fetched(answer, bytes(answer.body))
  },
  run: (program, args = [], options = {}) => ask('exec.run', {program, args, ...options}),
  secret: async (name) => (await ask<{value: string}>('secrets.get', {name})).value,
}
computerBy(byCgpu)

/** What needs cgpu's own process. */
const withheld = (name: string) => (): never => {
  throw new CgpuError(`${name} is not for plugins in the sandbox`, {code: 'NOT_GRANTED', category: 'plugin', exit: 75, fix: 'it is for trusted plugins: cgpu plugins trust'})
}
export const registeredNotebookExporters = withheld('registeredNotebookExporters')
export const registeredPipelineExecutors = withheld('registeredPipelineExecutors')
export const registeredSchemes = withheld('registeredSchemes')
export const keepOutOfDebugLog = withheld('keepOutOfDebugLog')
export const confirm = withheld('confirm')
export const notebookHooks = withheld('notebookHooks')
export const withLock = withheld('withLock')
export const writeAtomic = withheld('writeAtomic')

export const globalFlags: Record<string, Definition> = {json: boolean(), quiet: boolean({char: 'q'}), verbose: boolean({char: 'v'})}

export abstract class CgpuCommand<T = unknown> extends Command {
  static override baseFlags: Record<string, Definition> = globalFlags
  static enableJsonFlag = true
  static remoteArgs = false
  static standalone = false
  static seeAlso: string[] = []
  static fullConfig = false

  abstract override run(): Promise<T>

  protected notice(message: string): void {
    tell({type: 'notice', text: message})
  }

  protected trace(message: string): void {
    tell({type: 'trace', text: message})
  }

  /** The status to end with, where the result is to be printed all the same. */
  protected exitWith(status: number): void {
    tell({type: 'status', status})
  }

  /** As it was typed: variables are the host's, and an untrusted plugin's flags have none. */
  protected ownFlagValue(name: string): string | undefined {
    const last = this.argv.findLastIndex((token) => token === `--${name}` || token.startsWith(`--${name}=`))
    const token = this.argv[last]
    return token?.includes('=') ? token.slice(token.indexOf('=') + 1) : token === undefined ? undefined : this.argv[last + 1]
  }

  override log(message = ''): void {
    if (!this.jsonEnabled()) process.stdout.write(`${message}\n`)
  }

  override warn(input: Error | string): Error | string {
    tell({type: 'warn', text: inert(typeof input === 'string' ? input : input.message)})
    return input
  }
}

/** Runs in the sandbox: loads a command or hooks of the plugin when the host says so. */
import {registerHooks} from 'node:module'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {answerOf, settle, tell, type Answer} from './host.ts'

type Message =
  | {do: 'command'; root: string; file: string; given: Given}
  | {do: 'hook'; id: number; root: string; files: string[]; event: string; options: Record<string, unknown>}
  | {answer: number; result?: unknown; error?: Answer}

/** What the host parsed of the command line. */
export interface Given {
  id: string
  version: string
  argv: string[]
  flags: Record<string, unknown>
  args: Record<string, unknown>
  rest: string[]
  separator: boolean
  json: boolean
  quiet: boolean
  verbose: boolean
}

const suffix = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const standIn = (name: string): string => new URL(`./${name}${suffix}`, import.meta.url).href
/** where the SDK's files are, and those that it stands on */
const [sdk = '', core = ''] = process.argv.slice(2)
const own = [sdk, core, new URL('.', import.meta.url).href]

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === '@cgpu/plugin-sdk') return {url: standIn('sdk'), shortCircuit: true}
    if (specifier === '@cgpu/plugin-sdk/render') return {url: `${sdk}/render/index${suffix}`, shortCircuit: true}
    if (own.some((place) => context.parentURL?.startsWith(place))) {
      if (specifier === '@cgpu/plugin-sdk/sandbox') return {url: `${sdk}/sandbox${suffix}`, shortCircuit: true}
      if (specifier.startsWith('@cgpu/core/')) return {url: `${core}/${specifier.slice('@cgpu/core/'.length)}${suffix}`, shortCircuit: true}
    }
    if (specifier === '@oclif/core' || specifier.startsWith('@oclif/core/')) {
      const part = specifier.slice('@oclif/core/'.length)
      return {url: standIn(['args', 'flags'].includes(part) ? `oclif-${part}` : 'oclif'), shortCircuit: true}
    }
    return next(specifier, context)
  },
})

process.on('disconnect', () => process.exit(1))
process.on('uncaughtException', (error) => fail(error))
process.on('unhandledRejection', (error) => fail(error))
process.on('message', (message: Message) => {
  if ('answer' in message) settle(message)
  else if (message.do === 'command') void run(message).then(end, fail)
  else void runHook(message).then((result) => printed(() => tell({type: 'hooked', id: message.id, result: plainResult(result)})), (error: unknown) => tell({type: 'hooked', id: message.id, error: answerOf(error)}))
})
tell({type: 'ready'})

interface Runnable {
  run?: unknown
  prototype?: {run?: unknown}
}

async function run({root, file, given}: Extract<Message, {do: 'command'}>): Promise<unknown> {
  const module = (await import(pathToFileURL(join(root, file)).href)) as Record<string, unknown> // the plugin's
  const command = classOf(module)
  if (!command) throw new Error(`there is no command in ${file}`)
  const {runCommand} = await import('./sdk.ts')
  return runCommand(command as never, given) // it has a run method: what else it lacks shows when it runs
}

function classOf(module: Record<string, unknown>): Runnable | undefined {
  const all = [module['default'], (module['default'] as Record<string, unknown> | undefined)?.['default'], ...Object.values(module)]
  return all.find((one): one is Runnable => typeof one === 'function' && (typeof (one as Runnable).prototype?.run === 'function' || typeof (one as Runnable).run === 'function'))
}

async function runHook({root, files, options}: Extract<Message, {do: 'hook'}>): Promise<unknown> {
  let last: unknown
  for (const file of files) {
    const module = (await import(pathToFileURL(join(root, file)).href)) as Record<string, unknown> // the plugin's
    const hook = [module['default'], ...Object.values(module)].find((one) => typeof one === 'function')
    if (typeof hook !== 'function') continue
    const context = {log: console.log, warn: (text: unknown) => tell({type: 'warn', text: String(text)}), debug: () => undefined, config: {name: 'cgpu', bin: 'cgpu'}}
    last = await (hook as (this: unknown, options: unknown) => unknown).call(context, {...options, config: context.config, context})
  }
  return last
}

/** Functions and the like do not pass; a provider or a scheme is made of them. */
const plainResult = (value: unknown): unknown => (value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown))

function end(result: unknown): void {
  tell({type: 'result', result: plainResult(result)})
  leave(0)
}

function fail(thrown: unknown): void {
  tell({type: 'failed', error: answerOf(thrown)})
  leave(1)
}

/** What was printed and told arrives; what the plugin left open does not keep it alive. */
function leave(status: number): void {
  printed(() => process.send?.({type: 'end'}, () => process.exit(status)))
}

/** Once all that was printed is out: a flood is noticed before what the plugin says. */
function printed(then: () => void): void {
  process.stdout.write('', () => process.stderr.write('', then))
}

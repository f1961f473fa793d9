import {Writable} from 'node:stream'
import {isObject, type JsonObject} from '@cgpu/core/state/json'
import {HOOK_BUDGET_MS, warnEarly} from '@cgpu/plugin-sdk'
import type {Sandbox} from '@cgpu/plugins/sandbox/session'
import type {Held} from './stand-in.ts'

/** Of what hooks print: nothing of it is shown, and more than that is a flood. */
const maxOutputBytes = 64 * 1024

/** One process a plugin, for all events of a command: it keeps its variables, as in this process it would. */
const running = new Map<string, Promise<Sandbox>>()

/** Its process, before a hook's time begins. */
export const prepareHooks = (held: Held): Promise<unknown> => sandboxOf(held)

/** Runs a hook of an untrusted plugin. What it may see and answer depends on what was granted. Throws what becomes a warning. */
export async function runSandboxedHook(held: Held, event: string, files: readonly string[], options: Record<string, unknown>): Promise<unknown> {
  const started = performance.now()
  const {config: _, context: __, ...rest} = options
  const {terms: {version, runsCode, managesRuntimes}} = held
  const agreed = version === held.version
  const sandbox = await sandboxOf(held)
  const left = Math.max(1, HOOK_BUDGET_MS - 50 - (performance.now() - started))
  const result = await sandbox.hook(event, files, agreed && runsCode ? rest : withoutCode(rest), left)
  if (!isObject(result)) return undefined
  const {veto, env, spec, parameters, skip} = result
  const ofCode = Object.entries({env, parameters, skip}).filter(([, value]) => value !== undefined && agreed && runsCode)
  return {...(veto === undefined ? {} : {veto}), ...Object.fromEntries(ofCode), ...(spec !== undefined && agreed && managesRuntimes ? {spec} : {})}
}

/** What runs is the user's own: who may not run code himself learns that something runs, and where. */
function withoutCode(options: JsonObject): JsonObject {
  const {request, cell} = options
  if (!isObject(request)) return options
  const {code: _, argv: __, parameters: ___, ...known} = request
  if (!isObject(cell)) return {...options, request: known}
  const {source: ____, ...place} = cell
  return {...options, request: known, cell: place}
}

async function sandboxOf(held: Held): Promise<Sandbox> {
  const before = await running.get(held.name)?.catch(() => undefined)
  if (before?.alive) return before
  const starting = start(held)
  running.set(held.name, starting)
  return starting
}

async function start({name, root, terms}: Held): Promise<Sandbox> {
  const [{Sandbox: Child}, {meansHere}] = await Promise.all([import('@cgpu/plugins/sandbox/session'), import('@cgpu/plugins/sandbox/enforcement')])
  const nowhere = new Writable({write: (_chunk, _encoding, done) => done()})
  const sandbox = await Child.start({
    name, root, terms, means: meansHere(), maxOutputBytes, stdout: nowhere, stderr: nowhere,
    broker: () => Promise.reject(new Error('hooks may not ask')),
    onTold: (kind, {text}) => {
      if (kind === 'warn' && typeof text === 'string') warnEarly(`${name}: ${text.slice(0, 300)}`)
    },
  })
  sandbox.unref()
  process.once('exit', () => sandbox.kill())
  return sandbox
}

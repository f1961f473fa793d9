import {realpathSync} from 'node:fs'
import {pathToFileURL} from 'node:url'
import type {Config} from '@oclif/core/config'
import {hookFile, type IndexedHook, type IndexedPlugin} from '@cgpu/plugins/install/plugin-index'
import type {prepareHooks, runSandboxedHook} from '../sandbox/hooks.ts'
import {guarded} from '@cgpu/plugin-sdk/lean-hooks'
import {findAtOnce, useHostSdk} from './host-sdk.ts'

/** What oclif's own `runHook` returns, as far as it is used. */
export interface HookResults {
  successes: {plugin: {name: string}; result: unknown}[]
  failures: {plugin: {name: string}; error: Error}[]
}

/** What calls hooks of untrusted plugins, when one is to be called. */
export type LoadSandbox = () => Promise<{prepareHooks: typeof prepareHooks; runSandboxedHook: typeof runSandboxedHook}>

interface Asking {
  options: Record<string, unknown>
  config: Config
  /** each hook is given up after so long */
  ms: number | undefined
  /** without it hooks of untrusted plugins are not called */
  sandbox?: LoadSandbox | undefined
}

/** Calls the hooks of one event as oclif does, of plugins that nobody loaded: only their files of hooks are. */
export async function runPluginHooks(plugins: readonly IndexedPlugin[], event: string, asking: Asking): Promise<HookResults> {
  const results: HookResults = {successes: [], failures: []}
  await Promise.all(plugins.map(async (plugin) => {
    for (const call of callsOf(plugin, event, asking)) {
      try {
        results.successes.push({plugin, result: await call()})
      } catch (thrown) {
        results.failures.push({plugin, error: thrown as Error}) // anything may be thrown: fire() looks
      }
    }
  }))
  return results
}

/** The SDK of the bundle that this process runs from: see scripts/bundle.mjs and bundle-daemon.mjs. */
const sdkIn = {fast: 'fast/sdk.js', 'fast-parts': 'fast-parts/sdk.js'}
let sdk = new URL(`../${sdkIn.fast}`, import.meta.url).href

export interface Preparing {
  /** that this process runs from */
  bundle: keyof typeof sdkIn
  plugins: readonly IndexedPlugin[]
  /** hooks of events that begin so will be called */
  topic: string
  onWarning: (message: string) => void
}

/** Loads hooks of trusted plugins while something else is waited for. What cannot be loaded is told when it is called. */
export function prepare({bundle, plugins, topic, onWarning}: Preparing): void {
  sdk = new URL(`../${sdkIn[bundle]}`, import.meta.url).href
  const roots = new Map(plugins.map(({root, name}) => [root, name]))
  for (const {root, hooks, level} of plugins) {
    if (level !== 'trusted') continue
    for (const [event, all] of Object.entries(hooks)) {
      if (event.startsWith(topic)) for (const hook of all) void guarded(event, roots, onWarning, () => moduleOf(root, hook)).catch(() => undefined)
    }
  }
}

function callsOf(plugin: IndexedPlugin, event: string, {options, config, ms, sandbox}: Asking): (() => Promise<unknown>)[] {
  const hooks = plugin.hooks[event] ?? []
  const {name, version, root, terms} = plugin
  if (plugin.level === 'trusted') {
    return hooks.map((hook) => async () => {
      const called = await functionOf(root, hook)
      const context = contextOf(config)
      return called && within(ms, called.call(context, {...options, config, context}))
    })
  }
  // in one process, one after the other
  return terms && sandbox ? [async () => {
    const {prepareHooks: prepareFor, runSandboxedHook: call} = await sandbox()
    const held = {name, version, root: realpathSync(root), terms}
    await prepareFor(held).catch(() => undefined) // takes none of the hook's time; what failed is told by the call
    return within(ms, call(held, event, hooks.map(({target}) => target), options))
  }] : []
}

type HookFunction = (this: unknown, options: unknown) => unknown
const isFunction = (value: unknown): value is HookFunction => typeof value === 'function'

/** Undefined: there is none, which oclif passes over too. */
async function functionOf(root: string, hook: IndexedHook): Promise<HookFunction | undefined> {
  const {identifier} = hook
  const module = await moduleOf(root, hook)
  // of a CommonJS file that was compiled from an ES module
  const inner = typeof module['default'] === 'object' && module['default'] !== null ? (module['default'] as Record<string, unknown>) : {}
  const named = module[identifier] ?? inner[identifier]
  if (isFunction(named)) return named
  return identifier === 'default' ? [...Object.values(module), ...Object.values(inner)].find(isFunction) : undefined
}

type HookModule = Record<string, unknown>
/** by plugin and file: Node takes a millisecond to find what it has loaded already */
const loaded = new Map<string, Promise<HookModule>>()

function moduleOf(root: string, hook: IndexedHook): Promise<HookModule> {
  const key = `${root}\n${hook.target}`
  const module = loaded.get(key) ?? load(root, hook)
  loaded.set(key, module)
  return module
}

async function load(root: string, {target, module}: IndexedHook): Promise<HookModule> {
  // the SDK of the bundle: a second copy would take longer to load than all hooks have
  useHostSdk(sdk)
  if (module !== undefined) findAtOnce(module)
  return (await import(module ?? pathToFileURL(hookFile(root, target)).href)) as HookModule // the plugin's
}

/** `this` of a hook, as oclif makes it. */
function contextOf(config: Config): object {
  const print = (text: string): void => void process.stderr.write(`${text}\n`)
  return {
    config, debug: () => {},
    log: (message = '', ...args: unknown[]) => void process.stdout.write(`${process.getBuiltinModule('node:util').format(message, ...args)}\n`),
    warn: (input: Error | string) => print(`warning: ${typeof input === 'string' ? input : input.message}`),
    exit: (status = 0) => {
      throw Object.assign(new Error(`EEXIT: ${status}`), {code: 'EEXIT', oclif: {exit: status}})
    },
    error: (input: Error | string, {exit = 2, code}: {exit?: number | false; code?: string} = {}) => {
      const thrown = typeof input === 'string' ? new Error(input) : input
      if (exit === false) return print(`error: ${thrown.message}`)
      throw Object.assign(thrown, {oclif: {exit}, ...(code === undefined ? {} : {code})})
    },
  }
}

async function within(ms: number | undefined, work: unknown): Promise<unknown> {
  if (ms === undefined) return work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    // it keeps the process too: a sandbox, and a hook that waits for nothing, do not
    timer = setTimeout(() => reject(new Error(`Timed out after ${ms} ms.`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

import {AsyncLocalStorage} from 'node:async_hooks'
import {sanitizeLine} from '@cgpu/core/text/line'

/** What hooks of one event do that is not theirs to do, told once each. */
interface Watch {
  event: string
  warn: (message: string) => void
  /** folder of a plugin -> its name */
  roots: ReadonlyMap<string, string>
  told: Set<string>
  stderrLeft: number
}

/** More than that on stderr is a flood. */
const stderrBytes = 4096

/** Shared by all copies of this package in the process: a plugin may have another one than who calls its hooks. */
const key = Symbol.for('cgpu.hook-watch')
const holder = globalThis as unknown as Record<symbol, AsyncLocalStorage<Watch> | undefined> // a symbol of our own on the global object
const watching = (holder[key] ??= new AsyncLocalStorage<Watch>())
let installed = false

/** What `process.exit` throws in a hook: the command ends when it is done, not when a plugin likes. */
class HookExit extends Error {}

/**
 * Runs hooks so that they can neither end the process nor write into the command's result, and not later either, from a timer or a
 * promise that they left behind. It is a fence against mistakes, not against malice: for that plugins are run in a sandbox.
 */
export async function guarded<T>(event: string, roots: Watch['roots'], warn: Watch['warn'], work: () => Promise<T>): Promise<T> {
  install()
  const status = process.exitCode
  try {
    return await watching.run({event, warn, roots, told: new Set(), stderrLeft: stderrBytes}, work)
  } finally {
    process.exitCode = status
  }
}

/** True while a hook runs, or what it left behind. */
export const isWithinHook = (): boolean => watching.getStore() !== undefined

/** Of an error that nobody caught: true where a hook left it behind. It was told as a warning then, and is no crash. */
export function strayOfHook(thrown: unknown): boolean {
  const watch = watching.getStore()
  if (!watch) return false
  tell(watch, `failed later, after ${watch.event}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown)
  return true
}

function install(): void {
  if (installed) return
  installed = true
  const exit = process.exit.bind(process)
  process.exit = ((...given: [code?: number | string | null]): never => {
    if (isWithinHook()) throw new HookExit(`process.exit(${given[0] ?? ''}) was called`)
    // none is not the same as undefined, which would take the place of `process.exitCode`
    return exit(...given)
  })
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name]
    const write = stream.write.bind(stream)
    stream.write = ((chunk: string | Uint8Array, ...rest: [never, never]): boolean => {
      const watch = watching.getStore()
      if (!watch || mayWrite(watch, name, chunk)) return write(chunk, ...rest)
      const done: unknown = rest.find((one: unknown) => typeof one === 'function')
      if (typeof done === 'function') process.nextTick(done)
      return true
    }) as typeof stream.write
  }
}

function mayWrite(watch: Watch, name: 'stdout' | 'stderr', chunk: string | Uint8Array): boolean {
  if (name === 'stderr') {
    watch.stderrLeft -= chunk.length
    if (watch.stderrLeft >= 0) return true
  }
  if (watch.told.has(name)) return false // a flood is told once, and costs little
  watch.told.add(name)
  tell(watch, name === 'stdout' ? `wrote to stdout in ${watch.event}, which is the command's: it is not shown` : `wrote more than ${stderrBytes} bytes to stderr in ${watch.event}: the rest is not shown`)
  return false
}

function tell(watch: Watch, what: string, thrown?: unknown): void {
  const plugin = culprit(watch, thrown instanceof Error ? thrown.stack : new Error().stack)
  const message = `${plugin === undefined ? 'a plugin' : `plugin ${sanitizeLine(plugin, 100)}`} ${sanitizeLine(what, 300)}`
  if (watch.told.has(message)) return
  watch.told.add(message)
  // the warning is ours to write
  watching.exit(() => watch.warn(message))
}

function culprit({roots}: Watch, stack = ''): string | undefined {
  return [...roots].find(([root]) => stack.includes(root))?.[1]
}

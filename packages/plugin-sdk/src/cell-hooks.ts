import {sanitizeLine} from '@cgpu/core/text/line'
import {fire, type HookAnswer, type HookHost} from './fire.ts'
import type {CgpuHooks} from './hook-types.ts'

type CellEvent = 'cell:before' | 'cell:after'

/** A plugin that is late so often is asked no more about cells: a notebook has many. */
const mostLate = 3

interface Trouble {
  told: Set<string>
  late: Map<string, number>
}

/** Of a command, by its config: the runs of a batch share it. */
const troubles = new WeakMap<object, Trouble>()

/** `fire`, for what comes with every cell: the same trouble is told once, and a plugin that is late three times is left out from then on. */
export async function fireForCell<E extends CellEvent>(host: HookHost, event: E, options: Omit<CgpuHooks[E]['options'], 'contract'>): Promise<HookAnswer<E>[]> {
  const trouble = troubles.get(host.config) ?? {told: new Set(), late: new Map()}
  troubles.set(host.config, trouble)
  const {told, late} = trouble
  const once = (message: string): void => {
    if (told.has(message)) return
    told.add(message)
    host.warn(message)
  }
  const onFailure = (plugin: string, message: string): void => {
    if (!/^Timed out after |took too long in /.test(message)) return
    const times = (late.get(plugin) ?? 0) + 1
    late.set(plugin, times)
    if (times >= mostLate) once(`plugin ${sanitizeLine(plugin, 100)} was late ${mostLate} times, and is asked about no more cells`)
  }
  const without = new Set([...late].filter(([, times]) => times >= mostLate).map(([plugin]) => plugin))
  return fire({...(host.jsonEnabled ? {jsonEnabled: () => host.jsonEnabled?.() ?? false} : {}), config: host.config, warn: once}, event, options, {without, onFailure})
}

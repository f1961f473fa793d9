import {join} from 'node:path'
import {isObject} from '@cgpu/core/state/json'
import {JsonFile} from '@cgpu/core/state/json-file'
import type {Capability} from './manifest.ts'
import {manifestOf} from './manifest.ts'

/** `trusted`: it runs in cgpu's own process, with all that the user may do. `untrusted`: in a child that gets what was granted. */
export type TrustLevel = 'trusted' | 'untrusted'

/** What a person agreed to, of one plugin. */
export interface Trust {
  /** of the package */
  name: string
  level: TrustLevel
  /** of the version that was agreed to */
  version: string
  /** an update that asks for more is asked about again */
  granted: Capability[]
  /** an untrusted one is run also where its network access cannot be denied */
  acceptsNetwork?: boolean
  /** ISO time */
  at: string
}

/** Who may do what: a file in the user's data folder that is written when people agree, and read when plugins are loaded. */
export class TrustStore {
  readonly #file: JsonFile<{plugins: Record<string, Trust>}>

  /** `folder`: cgpu's data folder */
  constructor(folder: string, onWarning?: (message: string) => void) {
    this.#file = new JsonFile<{plugins: Record<string, Trust>}>({
      path: join(folder, 'plugin-trust.json'), version: 1, initial: () => ({plugins: {}}), onWarning,
      parse: ({plugins}) => {
        if (!isObject(plugins)) return undefined
        const all = Object.entries(plugins).map(([name, value]) => [name, trustOf(name, value)] as const)
        return {plugins: Object.fromEntries(all.flatMap(([name, trust]) => (trust ? [[name, trust]] : [])))}
      },
    })
  }

  async all(): Promise<Trust[]> {
    return Object.values((await this.#file.read()).plugins)
  }

  async get(name: string): Promise<Trust | undefined> {
    const {plugins} = await this.#file.read()
    return Object.hasOwn(plugins, name) ? plugins[name] : undefined
  }

  async put(trust: Trust): Promise<void> {
    await this.#file.update(({plugins}) => ({plugins: {...plugins, [trust.name]: trust}}))
  }

  async remove(name: string): Promise<void> {
    await this.#file.update(({plugins}) => {
      const {[name]: _, ...others} = plugins
      return {plugins: others}
    })
  }
}

/** What cannot be understood was not agreed to. */
function trustOf(name: string, value: unknown): Trust | undefined {
  if (!isObject(value) || value['name'] !== name) return undefined
  const {level, version, at, granted} = value
  if ((level !== 'trusted' && level !== 'untrusted') || typeof version !== 'string' || typeof at !== 'string') return undefined
  try {
    return {name, level, version, at, ...(value['acceptsNetwork'] === true ? {acceptsNetwork: true} : {}), granted: manifestOf({cgpu: {contract: 1, capabilities: granted}}, name)?.capabilities ?? []}
  } catch {
    return undefined
  }
}

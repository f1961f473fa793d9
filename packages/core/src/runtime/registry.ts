import {errors} from '../errors.ts'
import type {ProviderContext, ProviderFactory, RuntimeProvider} from '../provider.ts'
import {closest} from '../text/names.ts'

export interface ProviderEntry {
  id: string
  /** 'cgpu' or the plugin's name */
  source: string
  /** its runtimes are an account's, made from anywhere: it is asked for them when somebody is signed in */
  needsAccount?: boolean
  load: () => Promise<ProviderFactory>
}

/** The providers that there are; each is loaded when it is first needed. */
export class ProviderRegistry {
  readonly #entries = new Map<string, ProviderEntry>()
  readonly #loaded = new Map<string, Promise<RuntimeProvider>>()
  readonly #context: (id: string) => ProviderContext

  /** Throws PROVIDER_CONFLICT when two entries claim one id. */
  constructor(entries: ProviderEntry[], context: (id: string) => ProviderContext) {
    this.#context = context
    for (const entry of entries) {
      const other = this.#entries.get(entry.id)
      if (other) {
        throw errors.usage(`${other.source} and ${entry.source} both provide "${entry.id}"`, {
          code: 'PROVIDER_CONFLICT', category: 'plugin', fix: `cgpu plugins uninstall ${entry.source}`,
        })
      }
      this.#entries.set(entry.id, entry)
    }
  }

  ids(): string[] {
    return [...this.#entries.keys()]
  }

  needsAccount(id: string): boolean {
    return this.#entries.get(id)?.needsAccount ?? false
  }

  /** The provider, loaded. Throws UNKNOWN_PROVIDER (64). */
  get(id: string): Promise<RuntimeProvider> {
    const entry = this.#entries.get(id)
    if (!entry) {
      const near = closest(id, this.ids())
      throw errors.usage(`there is no provider "${id}"`, {
        code: 'UNKNOWN_PROVIDER', fix: near ? `did you mean ${near}?` : `one of: ${this.ids().join(', ')}`,
      })
    }
    let provider = this.#loaded.get(id)
    if (!provider) {
      provider = entry.load().then((factory) => factory(this.#context(id)))
      this.#loaded.set(id, provider)
    }
    return provider
  }
}

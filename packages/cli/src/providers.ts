import type {ProviderEntry} from '@cgpu/core/runtime/registry'

/** The providers that come with cgpu; each is loaded when a command first needs it. */
export const builtInProviders: ProviderEntry[] = [
  {id: 'local', source: 'cgpu', load: async () => (await import('@cgpu/provider-local')).createProvider},
  {id: 'colab', source: 'cgpu', needsAccount: true, load: async () => (await import('@cgpu/provider-colab')).createProvider},
  {id: 'jupyter', source: 'cgpu', load: async () => (await import('@cgpu/provider-jupyter')).createProvider},
]

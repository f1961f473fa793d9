import {errors} from '@cgpu/core/errors'
import type {Accelerator, ProviderCapabilities, ProviderContext, ProviderRuntime, RuntimeEndpoint, RuntimeProvider} from '@cgpu/core/provider'

export class ColabProvider implements RuntimeProvider {
  readonly id = 'colab'
  readonly title = 'Google Colab'
  readonly capabilities: ProviderCapabilities = {
    create: true, accelerators: true, highRam: true, image: true, add: false, release: true,
    terminal: true, computeUnits: true, keepAlive: true, selfRelease: true, browser: true, drive: true,
  }
  readonly context: ProviderContext

  constructor(context: ProviderContext) {
    this.context = context
  }

  accelerators(): Promise<Accelerator[]> {
    return this.#missing()
  }

  list(): Promise<ProviderRuntime[]> {
    return this.#missing()
  }

  get(): Promise<ProviderRuntime | null> {
    return this.#missing()
  }

  create(): Promise<ProviderRuntime> {
    return this.#missing()
  }

  release(): Promise<void> {
    return this.#missing()
  }

  connect(): Promise<RuntimeEndpoint> {
    return this.#missing()
  }

  #missing(): Promise<never> {
    return Promise.reject(errors.usage('colab is being built', {code: 'CAPABILITY_MISSING', fix: 'use --provider local'}))
  }
}

import type {ProviderFactory} from '@cgpu/core/provider'
import {ColabProvider} from './provider.ts'

/** Runtimes on Google Colab. */
export const createProvider: ProviderFactory = (context) => new ColabProvider(context)

import type {ProviderFactory} from '@cgpu/core/provider'
import {JupyterProvider} from './provider.ts'

/** Runtimes on any Jupyter Server, JupyterLab or JupyterHub user server, by URL and token. */
export const createProvider: ProviderFactory = (context) => new JupyterProvider(context)

import type {Config} from '@oclif/core/config'
import {browserBy, googleBy, kernelsBy} from '@cgpu/plugin-sdk'
import {serveTrusted} from '../plugins/host.ts'

/** Commands of plugins in this process get what only the CLI can do: kernels, secrets, a browser, Google's services. */
export function servePlugin(config: Config): void {
  browserBy(async (url) => (await import('@cgpu/accounts')).openBrowser(url))
  googleBy(async (...asked) => (await import('../plugin-google.ts')).googleAccess(...asked))
  kernelsBy(async (...asked) => (await import('../plugin-kernel.ts')).withKernel(...asked))
  serveTrusted(config)
}

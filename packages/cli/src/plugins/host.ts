import type {Config} from '@oclif/core/config'
import {computerBy, errors, sanitizeLine, warnEarly} from '@cgpu/plugin-sdk'

/** Plugins in this process have all that the user has; of the SDK's functions, what only the CLI can do is done here. */
export function serveTrusted(config: Config): void {
  computerBy({
    async secret(name) {
      const {PluginServices} = await import('../sandbox/services.ts')
      const signal = new AbortController().signal // the process's own end is all that ends it
      const value = await new PluginServices(config, {warn: warnEarly, notice: () => undefined, signal}).secret(name)
      if (value === undefined) throw errors.notFound(`there is no secret ${sanitizeLine(name, 60)}`, {code: 'SECRET_NOT_FOUND', category: 'usage', fix: `cgpu secret set ${sanitizeLine(name, 60)}`})
      return value
    },
  })
}

import {registerHooks} from 'node:module'

const provided = /^(@oclif\/core|@cgpu\/plugin-sdk)(\/|$)/

/**
 * Plugins use the host's copies of the SDK and of oclif, whether they bring their own or none. Resolved here and handed over
 * ready: changing the parent instead would work for ES modules, but `require` ignores it.
 */
export function useHostSdk(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (provided.test(specifier) && context.parentURL && context.parentURL !== import.meta.url) {
        try {
          return {url: import.meta.resolve(specifier), shortCircuit: true}
        } catch {
          // a subpath that this version lacks: the plugin's own copy may have it
        }
      }
      return next(specifier, context)
    },
  })
}

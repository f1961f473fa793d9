import {registerHooks} from 'node:module'

const provided = /^(@oclif\/core|@cgpu\/plugin-sdk)(\/|$)/
let used = false
/** addresses of ES modules */
const known = new Set<string>()

/** There Node need not follow links, nor look for the package that tells what kind of file it is: half of what a small module takes. */
export function findAtOnce(url: string): void {
  known.add(url)
}

/**
 * Plugins use the host's copies of the SDK and of oclif, whether they bring their own or none. Resolved here and handed over
 * ready: changing the parent instead would work for ES modules, but `require` ignores it. `sdk`: where this process has the SDK already.
 */
export function useHostSdk(sdk?: string): void {
  if (used) return
  used = true
  let asking = false
  registerHooks({
    resolve(specifier, context, next) {
      if (known.has(specifier)) return {url: specifier, format: 'module', shortCircuit: true}
      if (!provided.test(specifier) || !context.parentURL || asking) return next(specifier, context)
      if (sdk !== undefined && specifier === '@cgpu/plugin-sdk') return {url: sdk, shortCircuit: true}
      asking = true
      try {
        return {url: import.meta.resolve(specifier), shortCircuit: true}
      } catch {
        // a subpath that this version lacks: the plugin's own copy may have it
        return next(specifier, context)
      } finally {
        asking = false
      }
    },
  })
}

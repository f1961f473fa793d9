import {errors} from '@cgpu/core/errors'

const key = Symbol.for('cgpu.browser')

type Open = (url: string) => Promise<boolean>

/** For the host: plugins of this process open pages by this from now on. */
export function browserBy(open: Open): void {
  Object.assign(globalThis, {[key]: open})
}

/** Opens a page in the user's browser. False: there is none here. Throws CAPABILITY_MISSING (64) in a sandbox. */
export const openBrowser: Open = async (url) => {
  const open = (globalThis as unknown as Record<symbol, Open | undefined>)[key] // as browserBy leaves it
  if (!open) throw errors.usage('a plugin in a sandbox cannot open a browser', {code: 'CAPABILITY_MISSING', category: 'plugin', fix: 'let it print the address'})
  return open(url)
}

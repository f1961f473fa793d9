import type {Hook} from '@oclif/core/interfaces'
import {CONTRACT, isCgpuEvent, OLDEST_CONTRACT, sanitizeLine, supportsContract, warnEarly} from '@cgpu/plugin-sdk'

const supported = OLDEST_CONTRACT === CONTRACT ? `${CONTRACT}` : `${OLDEST_CONTRACT} to ${CONTRACT}`

/**
 * Before any command: a plugin that was written for a contract that is not supported keeps its commands and loses its hooks.
 * Only events of ours count; a plain oclif plugin declares no contract and needs none.
 */
const hook: Hook<'init'> = async function ({config}) {
  for (const plugin of config.plugins.values()) {
    if (!Object.keys(plugin.hooks).some(isCgpuEvent)) continue
    // package.json of somebody else: `cgpu` may be missing or anything
    const declared: unknown = (plugin.pjson as unknown as {cgpu?: {contract?: unknown} | null}).cgpu?.contract
    if (supportsContract(declared)) continue
    const speaks = declared === undefined ? 'declares no plugin contract' : `speaks plugin contract ${sanitizeLine(JSON.stringify(declared), 40)}`
    warnEarly(`${sanitizeLine(plugin.name, 100)} ${speaks}; this cgpu supports ${supported}. its hooks are disabled. run: cgpu plugins update`)
    plugin.hooks = Object.fromEntries(Object.entries(plugin.hooks).filter(([event]) => !isCgpuEvent(event)))
  }
}

export default hook

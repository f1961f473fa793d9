import type {Config} from '@oclif/core/config'

/** A plugin of cgpu's own that is fetched when it is first used: `cgpu.jitPlugins` of the CLI's package.json. */
export interface Pin {
  name: string
  version: string
  /** of its tarball; without it, the registry must have signed it */
  integrity?: string
  /** first words of its commands */
  commands: string[]
}

export function pinsOf({pjson}: Pick<Config, 'pjson'>): Pin[] {
  const {cgpu} = pjson as unknown as {cgpu?: {jitPlugins?: Record<string, Omit<Pin, 'name'>>}} // our own package.json
  return Object.entries(cgpu?.jitPlugins ?? {}).map(([name, pin]) => ({name, ...pin}))
}

/** The type, as oclif calls it, of a plugin that is known and not here. */
export const notHere = 'jit'

/** Behind what a plugin brings that is not here yet. */
export const fetchedLater = ' (fetched at first use)'

/**
 * The plugin that is to be fetched before this command line can be run: it is not here, or, as `version` tells, it is here as another
 * cgpu wanted it. `id`: the command, as oclif understood the line. Where the build describes the plugin's commands, its help needs nothing else.
 */
export function pinnedFor(config: Config, argv: readonly string[], {id, help}: {id: string; help: boolean}): Pin | undefined {
  const word = argv.find((one) => !one.startsWith('-'))?.split(':')[0]
  const pin = pinsOf(config).find(({commands}) => word !== undefined && commands.includes(word))
  if (!pin) return undefined
  const known = config.plugins.get(pin.name)
  if (!known) return pin
  if (known.type === notHere) return help || config.findCommand(id)?.pluginName !== pin.name ? undefined : pin
  return known.type === 'user' && known.version !== pin.version ? pin : undefined
}

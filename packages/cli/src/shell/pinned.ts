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

/**
 * The plugin that is to be fetched before this command line can be understood: it is not here, or, as `version` tells, it is here as another
 * cgpu wanted it.
 */
export function pinnedFor(config: Config, argv: readonly string[]): Pin | undefined {
  const word = argv.find((one) => !one.startsWith('-'))?.split(':')[0]
  const pin = pinsOf(config).find(({commands}) => word !== undefined && commands.includes(word))
  const here = pin && config.plugins.get(pin.name)
  return here === undefined || (here.type === 'user' && here.version !== pin?.version) ? pin : undefined
}

import type {Capability} from '@cgpu/plugins'
import type {InstalledPlugin} from '@cgpu/plugins/install'

/** A plugin as commands show it. */
export interface PluginView {
  id: string
  name: string
  version: string
  /** registry, tarball, git, link, core */
  source: string
  /** trusted: in cgpu's own process; untrusted; core: comes along */
  state: 'trusted' | 'untrusted' | 'core'
  signature: string
  granted: Capability[]
  createdAt: string | null
  root: string
}

export const viewOf = ({name, version, source, level, signature, granted, installedAt, root}: InstalledPlugin): PluginView =>
  ({id: name, name, version, source, state: level, signature, granted, createdAt: installedAt, root})

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
  /** whether it is certain where it was built; null: it does not say */
  provenance: 'verified' | 'unchecked' | null
  granted: Capability[]
  createdAt: string | null
  root: string
}

export const viewOf = ({name, version, source, level, signature, provenance, granted, installedAt, root}: InstalledPlugin): PluginView =>
  ({id: name, name, version, source, state: level, signature, provenance: provenance ?? null, granted, createdAt: installedAt, root})

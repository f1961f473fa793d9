import type {AuditedPlugin} from '@cgpu/plugins/install'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'

/** Looks for known holes in plugins and in what they depend on. */
export default class PluginsAudit extends PluginsCommand<AuditedPlugin[]> {
  static override description = 'Asks the registry for advisories, and looks for versions that were taken back, are deprecated or outdated, that the curated index warns of, or that a policy forbids. Exits with 65 where something should not be used as it is. What nobody could tell is "unknown", never "none".'
  static override examples = [
    {command: '<%= config.bin %> plugins audit', description: 'all of them'},
    {command: '<%= config.bin %> plugins audit --json', description: 'the same for a script'},
  ]
  static override flags = registryFlags
  static override seeAlso = ['plugins verify', 'plugins update']
  static override summary = 'look for known holes in plugins'

  async run(): Promise<AuditedPlugin[]> {
    const {flags} = await this.parse(PluginsAudit)
    const installer = await this.installer(flags)
    const {audit} = await import('@cgpu/plugins/install')
    const audited = await audit(installer, await installer.installed())
    if (audited.length === 0) this.notice('no plugins are installed')
    for (const {name, version, advisories, findings} of audited) {
      this.log(`${name} ${version}  advisories: ${advisories}`)
      for (const {kind, serious, text} of findings) this.log(`  ${serious ? '! ' : ''}${kind}: ${text}`)
    }
    if (audited.some(({findings}) => findings.some(({serious}) => serious))) this.exitWith(65)
    return audited
  }
}

import {resolve} from 'node:path'
import {string} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {errors, withEnv} from '@cgpu/plugin-sdk'
import type {PublishCheck} from '@cgpu/plugins/install'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'

/** Checks a plugin before its author publishes it. */
export default class PluginsPublish extends PluginsCommand<PublishCheck> {
  static override args = {folder: string({default: '.', description: 'its folder'})}
  static override description = 'Packs it as npm would, without running scripts or writing anything, and looks at it as cgpu plugins install will. Exits with 65 where cgpu would refuse it. Publishing is npm\'s: npm publish --provenance, from CI, has it signed with where it was built.'
  static override examples = [
    {command: '<%= config.bin %> plugins publish --dry-run', description: 'check the plugin in this folder'},
    {command: '<%= config.bin %> plugins publish ./my-plugin --dry-run --offline', description: 'another folder, without asking the registry'},
  ]
  static override flags = {...registryFlags, ...withEnv({'dry-run': boolean({summary: 'check it, and publish nothing'})})}
  static override seeAlso = ['plugins link', 'plugins info']
  static override summary = 'check a plugin before it is published'

  async run(): Promise<PublishCheck> {
    const {args, flags} = await this.parse(PluginsPublish)
    if (!flags['dry-run']) throw errors.usage('cgpu checks plugins, npm publishes them', {code: 'NOT_PUBLISHED', category: 'plugin', fix: 'cgpu plugins publish --dry-run, then npm publish --provenance'})
    const {checkForPublishing, Registry, registryConfig} = await import('@cgpu/plugins/install')
    const registry = flags.offline ? undefined : new Registry(registryConfig(process.env, flags.registry))
    const check = await checkForPublishing(resolve(args.folder), this.host(), registry)
    const {name, version, files, bytes, findings} = check
    if (name !== null) this.log(`${name} ${version}: ${files.length} files, ${bytes} bytes packed`)
    for (const {level, message, fix} of findings) this.log(`${level}: ${message}\n  fix: ${fix}`)
    const wrong = findings.filter(({level}) => level === 'error').length
    if (wrong > 0) this.exitWith(65)
    else this.log('it can be published: npm publish --provenance')
    return check
  }
}

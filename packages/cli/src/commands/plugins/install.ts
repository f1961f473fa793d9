import {string} from '@oclif/core/args'
import {boolean, option} from '@oclif/core/flags'
import {errors, withEnv} from '@cgpu/plugin-sdk'
import type {InstalledPlugin, PluginInstaller, Prepared, Spec} from '@cgpu/plugins/install'
import {yesFlag} from '../../flags.ts'
import {confirm} from '../../input.ts'
import {cardLines, cardOf, type PluginCard} from '../../plugins/card.ts'
import {consent} from '../../plugins/consent.ts'
import {isAsPinned} from '../../plugins/just-in-time.ts'
import {isUntouched} from '../../plugins/untouched.ts'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'
import {pinsOf} from '../../shell/pinned.ts'

export interface PluginsInstallResult {
  card: PluginCard
  /** null with --dry-run */
  plugin: PluginView | null
  /** false: this very package was there already */
  changed: boolean
}

/** Installs a plugin. */
export default class PluginsInstall extends PluginsCommand<PluginsInstallResult> {
  static override args = {plugin: string({description: 'a name of the registry, NAME@VERSION, a tarball, or git+https://…', required: true})}
  static override description = 'Shows who published it, how old it is, whether it is signed and what it asks for, and asks. Its install scripts are not run, nor is any of its code. It stays untrusted until it is trusted.\n\n--yes agrees to what can be undone; programs, writing outside of the folder, and all hosts have to be named with --grant.'
  static override examples = [
    {command: '<%= config.bin %> plugins install cgpu-plugin-hello', description: 'read what it is, then decide'},
    {command: '<%= config.bin %> plugins install cgpu-plugin-hello@1.0.0 --yes', description: 'one version, without being asked'},
    {command: '<%= config.bin %> plugins install cgpu-plugin-hello --dry-run', description: 'only look'},
  ]
  static override flags = {
    ...registryFlags, ...yesFlag,
    ...withEnv({
      'dry-run': boolean({summary: 'fetch and check it, and install nothing'}),
      git: boolean({summary: 'agree to code from a git repository, which nobody signs'}),
      grant: option({multiple: true, options: ['exec', 'write', 'all-hosts'] as const, summary: 'agree to this where --yes does not'})(),
      trust: boolean({summary: 'let it run as you, in cgpu\'s own process'}),
    }),
  }
  static override seeAlso = ['plugins search', 'plugins info', 'plugins trust', 'plugins update']
  static override summary = 'install a plugin'

  async run(): Promise<PluginsInstallResult> {
    const {args, flags} = await this.parse(PluginsInstall)
    const {parseSpec} = await import('@cgpu/plugins/install')
    const typed = parseSpec(args.plugin)
    const pin = typed.kind === 'registry' ? pinsOf(this.config).find(({name}) => name === typed.name) : undefined
    // one of cgpu's own: what its first use would fetch, unless somebody wants another version
    const spec: Spec = pin && typed.kind === 'registry' && typed.want === 'latest' ? {...typed, want: pin.version} : typed
    if (spec.kind === 'git') await this.#agreeToGit(spec, flags.git)
    const installer = await this.installer(flags)
    return installer.prepared(spec, async (prepared) => {
      const {checked: {name, version, warnings}} = prepared
      const card = await cardOf(prepared)
      for (const line of cardLines(card)) this.notice(line)
      for (const warning of warnings) this.warn(warning)
      const before = (await installer.installed()).find((one) => one.name === name)
      const same = before !== undefined && isSame(before, prepared)
      // what is trusted already stays so where its very files are put back
      const level = flags.trust || (pin && isAsPinned(prepared, pin)) || (same && before.level === 'trusted') ? 'trusted' : 'untrusted'
      await installer.checkPolicy({name, version, source: prepared.source, signature: prepared.signature, provenance: prepared.provenance?.state ?? 'none', publishedAt: prepared.release?.publishedAt, trusted: level === 'trusted'})
      await installer.checkRevoked(name, version)
      if (flags['dry-run']) return {card, plugin: null, changed: false}
      // files that were changed or lost are put back
      if (same && before.level === level && (await isUntouched(before))) {
        this.log(`${name} ${version} is installed already`)
        return {card, plugin: viewOf(before), changed: false}
      }
      await this.#consent(installer, prepared, before, {...flags, typed: args.plugin})
      const plugin = await installer.commit(prepared, level)
      this.log(`installed ${name} ${version}, ${level}`)
      if (level === 'untrusted' && card.commands?.length !== 0) this.notice(`let it run as you: cgpu plugins trust ${name}`)
      return {card, plugin: viewOf(plugin), changed: true}
    })
  }

  async #consent(_: PluginInstaller, {checked: {name, version, capabilities}}: Prepared, before: InstalledPlugin | undefined, flags: {yes: boolean; git: boolean; trust: boolean; grant?: ('exec' | 'write' | 'all-hosts')[] | undefined; typed: string}): Promise<void> {
    const {newCapabilities} = await import('@cgpu/plugins/install')
    await consent({
      what: `${before ? 'replace' : 'install'} ${name} ${before ? `${before.version} by ${version}` : version}`, asked: newCapabilities(capabilities, before?.granted ?? []),
      trusted: flags.trust, yes: flags.yes, grants: flags.grant ?? [], command: ['cgpu plugins install', flags.typed, ...(flags.git ? ['--git'] : []), ...(flags.trust ? ['--trust'] : [])].join(' '),
    })
  }

  /** Before anything of it is fetched. */
  async #agreeToGit({url}: Spec & {kind: 'git'}, agreed: boolean): Promise<void> {
    if (agreed) return
    const {shownAddress} = await import('@cgpu/plugins/install')
    const shown = shownAddress(url)
    if (!process.stdin.isTTY) throw errors.usage(`nobody signs what comes from a git repository, and there is no terminal to ask on: ${shown}`, {code: 'CONFIRMATION_NEEDED', fix: 'add --git'})
    await confirm(`fetch code from ${shown}, which nobody signs?`, false)
  }
}

const isSame = (before: InstalledPlugin, now: Prepared): boolean => before.source === now.source && before.version === now.checked.version && before.integrity === now.integrity && before.digest === now.digest

import {string} from '@oclif/core/args'
import {errors} from '@cgpu/core/errors'
import {formatBytes} from '@cgpu/core/text/format'
import type {Settings} from '@cgpu/core/config/resolve'
import type {Updater, UpdateResult} from '@cgpu/updater'
import {ConfigCommand} from './config-command.ts'
import {Progress} from './render/progress.ts'

/** A version of cgpu, by number or by a unique beginning of the id that `cgpu version list` shows. */
export const versionArg = string({description: 'a version, such as 1.2.0', required: true})

const steps = {downloading: 'downloading the new version', unpacking: 'unpacking it', trying: 'trying it'}
const patienceSeconds = 30

/** The base of the commands that change which version of cgpu is installed and used. They work also when a plugin is broken. */
export abstract class UpdateCommand<T = unknown> extends ConfigCommand<T> {
  static override standalone = true
  // oclif's manifest does not look behind a class without statics, such as the one above
  static override baseFlags = ConfigCommand.baseFlags

  readonly #progress = new Progress({quiet: this.quiet || this.jsonEnabled()})

  /**
   * Throws UPDATE_MANAGED (64) where another program installed this cgpu. `wanted`: what was asked for, as that program would be asked: a version
   * or a channel.
   */
  protected async updater(wanted = 'stable'): Promise<Updater> {
    const [{Installation, managerOf, Updater: Versions}, settings] = await Promise.all([import('@cgpu/updater'), this.settings()])
    const manager = managerOf(this.config.root)
    if (manager) {
      const command = manager.command(wanted)
      throw errors.usage(`this cgpu was installed by ${manager.name}, which also updates it`, {code: 'UPDATE_MANAGED', fix: command, details: {manager: manager.name, command}})
    }
    return new Versions({
      installation: new Installation(this.config.root.replace(/[\\/]+$/, '')), patience: patience(), ...source(settings),
      onProgress: ({step, done, total}) => this.#progress.show({message: steps[step], ...(total === undefined ? {} : {done: done ?? 0, total})}),
    })
  }

  /** The result of a change, for people. */
  protected tell({from, version, changed, resumed}: UpdateResult): void {
    this.#progress.done()
    if (resumed > 0) this.notice(`${formatBytes(resumed)} were there from before`)
    this.log(changed ? `cgpu ${version} is in use; it was ${from}` : `cgpu ${version} is in use already`)
  }

  protected override async catch(thrown: Error): Promise<void> {
    this.#progress.done()
    return super.catch(thrown)
  }
}

/** Where updates come from and whose they are, where the settings say something else than the build. */
function source(settings: Settings): {url?: string; keys?: string[]} {
  const [url, key] = [settings.text('update-url'), settings.text('update-key')]
  return {...(url === undefined ? {} : {url}), ...(key === undefined ? {} : {keys: key.split(',').map((one) => one.trim())})}
}

/** Seconds that a silent server is waited for. */
function patience(): number {
  const given = Number(process.env['CGPU_UPDATE_PATIENCE'])
  return given > 0 ? given : patienceSeconds
}

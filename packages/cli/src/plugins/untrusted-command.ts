import {CgpuCommand, errors} from '@cgpu/plugin-sdk'

/** Whose command it is. */
export interface UntrustedPlugin {
  name: string
  root: string
  version: string
}

/**
 * The one gate: what runs when a command of an untrusted plugin is typed. Nothing of the plugin is loaded in this process; here
 * it is refused, and a sandbox that runs it in a process of its own comes in here.
 */
export function untrustedCommand({name}: UntrustedPlugin, id: string): typeof CgpuCommand {
  // a class for oclif, which makes an object of it and runs it
  return class extends CgpuCommand {
    static override id = id
    static override strict = false
    static override summary = `of ${name}, which is not trusted`

    async run(): Promise<never> {
      throw errors.vetoed(`${this.config.bin} ${id.replaceAll(':', ' ')} is of ${name}, which is not trusted to run`, {
        code: 'PLUGIN_UNTRUSTED', category: 'plugin', fix: `read what it is: cgpu plugins inspect ${name}; then let it run as you: cgpu plugins trust ${name}`, details: {plugin: name},
      })
    }
  }
}

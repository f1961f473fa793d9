import {join} from 'node:path'
import {string} from '@oclif/core/flags'
import type {AdminClient, RunningEmulator} from '@cgpu/emulator'
import {CgpuCommand, errors, sanitizeLine} from '@cgpu/plugin-sdk'

/** `--name`, on every command: several emulators may run. Its variable is not CGPU_NAME, which names runtimes. */
export const nameFlag = {
  name: string({default: 'default', env: 'CGPU_EMULATOR_NAME', summary: 'which emulator, where several run', helpValue: 'NAME'}),
}

/** The base of the emulator's commands: knows where each emulator has its folder, and asks the one that runs. */
export abstract class EmulatorCommand<T> extends CgpuCommand<T> {
  static override seeAlso: string[] = ['emulator start', 'emulator status']

  /** The folder of the emulator of this name. Throws INVALID_NAME (64). */
  protected folderOf(name: string): string {
    if (!/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) {
      throw errors.usage(`"${sanitizeLine(name, 80)}" cannot be the name of an emulator`, {code: 'INVALID_NAME', fix: 'use letters, digits, dots and dashes'})
    }
    return join(this.config.dataDir, 'state', 'emulators', name)
  }

  /** Throws EMULATOR_NOT_RUNNING (66). */
  protected async running(name: string): Promise<RunningEmulator> {
    const {findRunning} = await import('@cgpu/emulator/daemon')
    const running = await findRunning(this.folderOf(name))
    if (running) return running
    throw errors.notFound(`the emulator${name === 'default' ? '' : ` ${name}`} is not running`, {
      code: 'EMULATOR_NOT_RUNNING', fix: `start it: cgpu emulator start${name === 'default' ? '' : ` --name ${name}`}`,
    })
  }

  protected async admin(name: string): Promise<AdminClient> {
    const {AdminClient: Client} = await import('@cgpu/emulator/admin/client')
    return new Client(await this.running(name))
  }
}

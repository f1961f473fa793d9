import {string} from '@oclif/core/flags'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import {Progress} from '@cgpu/plugin-sdk/render'
import type {OpenDriveOptions} from './client.ts'
import type {Drive} from './drive.ts'
import type {DriveFile} from './files.ts'

export const driveFlags = withEnv({
  account: string({summary: 'the account whose Drive it is, by email or id', helpValue: 'EMAIL'}),
})

export const refDescription = 'the notebook in Drive: its name, path, id, or address in Colab or Drive'

/** For the descriptions of commands. */
export const driveStatuses = '64 for a name that several have; 66 where there is no such notebook; 67 where the sign-in does not allow it; 68 when Drive is full; 69 when it cannot be reached'

/** A notebook of Drive, as JSON has it. */
export type DriveNotebook = Omit<DriveFile, 'target'> & {
  /** its page in Colab */
  link: string
}

/** The base of the commands about notebooks in Drive. */
export abstract class DriveCommand<T = unknown> extends CgpuCommand<T> {
  protected async drive({account}: {account?: string | undefined}, use: OpenDriveOptions['use']): Promise<Drive> {
    return (await import('./client.ts')).openDrive(this, {account, use})
  }

  /** `work` with progress on stderr, of what can be counted in bytes. */
  protected async withProgress<R>(message: string, work: (onProgress: (done: number, total: number) => void) => Promise<R>): Promise<R> {
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    try {
      return await work((done, total) => progress.show({message, done, total}))
    } finally {
      progress.done()
    }
  }

  protected view(drive: Drive, file: DriveFile): DriveNotebook {
    const {target: _, ...facts} = file
    return {...facts, link: `${drive.access.colab}/drive/${encodeURIComponent(file.id)}`}
  }
}

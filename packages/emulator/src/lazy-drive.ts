import {readdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import type {Hono} from 'hono'
import type {Drive, DriveFolders} from './contract.ts'
import type {DriveOptions} from './drive/drive.ts'

export interface LazyDrive extends DriveFolders {
  /** the folder that holds those of all accounts */
  root: string
  /** for the control app to mount */
  app(): Promise<Hono>
  /** Forgets every file of every account. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** Drive, whose code is loaded by the first call of it. */
export function lazyDrive(options: DriveOptions): LazyDrive {
  let drive: Promise<Drive> | undefined
  const load = (): Promise<Drive> => (drive ??= import('./drive/drive.ts').then(({createDrive}) => createDrive(options)))
  return {
    root: options.folder,
    async app() {
      const {Hono: App} = await import('hono')
      const app = new App()
      for (const path of ['/drive/*', '/upload/drive/*']) {
        app.all(path, async (context) => (await load()).app.fetch(context.req.raw, context.env as object)) // node's request is in it
      }
      return app
    },
    folder: async (email) => (await load()).folder(email),
    async clear() {
      await (await drive)?.close()
      drive = undefined
      // the folder itself stays: machines are shown it
      for (const name of await readdir(options.folder).catch(() => [])) await rm(join(options.folder, name), {recursive: true, force: true, maxRetries: 5})
    },
    close: async () => (await drive)?.close(),
  }
}

import {readdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {Hono} from 'hono'
import type {Drive, DriveFolders} from './contract.ts'
import type {DriveOptions} from './drive/drive.ts'

export interface LazyDrive extends DriveFolders {
  /** the folder that holds those of all accounts */
  root: string
  app: Hono
  /** Forgets every file of every account. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** Drive, whose code is loaded by the first call of it. */
export function lazyDrive(options: DriveOptions): LazyDrive {
  let drive: Promise<Drive> | undefined
  const load = (): Promise<Drive> => (drive ??= import('./drive/drive.ts').then(({createDrive}) => createDrive(options)))
  const app = new Hono()
  for (const path of ['/drive/*', '/upload/drive/*']) {
    app.all(path, async (context) => (await load()).app.fetch(context.req.raw, context.env as object)) // node's request is in it
  }
  return {
    root: options.folder,
    app,
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

import {join} from 'node:path'
import type {BearerCheck, Caller, Clock, Dice, Drive} from '../contract.ts'
import {driveApp} from './app.ts'
import {Blobs} from './blobs.ts'
import {Contents} from './contents.ts'
import {Files} from './files.ts'
import {Ids} from './ids.ts'
import {Mirrors} from './mirror/mirrors.ts'
import {openWith} from './scopes.ts'
import {Store} from './store.ts'
import {Uploads} from './upload/resumable.ts'

export interface DriveOptions {
  bearer: BearerCheck
  clock: Clock
  dice: Dice
  /** where everything is kept; another emulator may go on with it later */
  folder: string
  /** of every account; default 15 GiB, as a free account has */
  quotaBytes?: number
}

const freeQuota = 15 * 2 ** 30

/** The Drive stand-in. What is on disk is read at the first request. */
export function createDrive({bearer, clock, dice, folder, quotaBytes = freeQuota}: DriveOptions): Drive {
  const ids = new Ids(dice)
  const store = new Store(folder, clock, ids)
  const blobs = new Blobs(folder)
  const contents = new Contents(store, blobs, quotaBytes)
  const parts = {store, blobs, contents, files: new Files(store, blobs, contents), uploads: new Uploads(blobs, clock, ids)}
  const mirrors = new Mirrors(join(folder, 'folders'), parts)
  let loading: Promise<void> | undefined
  const load = (): Promise<void> => {
    loading ??= (async () => {
      await store.load()
      await blobs.open(new Set([...store.all()].flatMap((file) => file.revisions.map((one) => one.id))))
    })()
    return loading
  }
  const before = async (): Promise<void> => {
    await load()
    await mirrors.pull()
  }
  const after = async (): Promise<void> => {
    await mirrors.push()
    await store.flush()
  }
  return {
    // what a request carries along in it is its own business
    app: driveApp({bearer, parts, before, after}) as unknown as Drive['app'],
    folder: async (email) => {
      await load()
      const path = await mirrors.folder(email)
      await store.flush()
      return path
    },
    open(fileId: string, caller: Pick<Caller, 'email' | 'clientId'>) {
      const file = store.get(fileId)
      if (!file) return
      openWith(file, caller)
      store.note(file)
    },
    close: async () => {
      if (!loading) return
      await before()
      await store.flush()
    },
  }
}

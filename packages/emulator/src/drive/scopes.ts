import type {Caller} from '../contract.ts'
import {refuse} from './errors.ts'
import type {DriveFile} from './model.ts'

const scope = (name: string): string => `https://www.googleapis.com/auth/${name}`

const drive = scope('drive')
const perFile = scope('drive.file')
const appData = scope('drive.appdata')
const metadata = scope('drive.metadata')
const readonly = [scope('drive.readonly'), scope('drive.meet.readonly')]
const metadataReadonly = scope('drive.metadata.readonly')

const write = [drive, perFile, appData]
const read = [...write, ...readonly]
const look = [...read, metadata, metadataReadonly]

/** Which scopes let a client call a method, as its page of the API reference lists them. */
const methods = {
  'DriveFiles.List': look,
  'DriveFiles.Get': look,
  'DriveFiles.GetMedia': read,
  'DriveFiles.Create': write,
  'DriveFiles.Update': [...write, metadata],
  'DriveFiles.UpdateMedia': write,
  'DriveFiles.Copy': write,
  'DriveFiles.Delete': write,
  'DriveFiles.EmptyTrash': [drive],
  'DriveFiles.GenerateIds': write,
  'DriveFiles.Export': [drive, perFile, ...readonly],
  'DrivePermissions.List': [drive, perFile, ...readonly, metadata, metadataReadonly],
  'DrivePermissions.Get': [drive, perFile, ...readonly, metadata, metadataReadonly],
  'DrivePermissions.Create': [drive, perFile],
  'DrivePermissions.Update': [drive, perFile],
  'DrivePermissions.Delete': [drive, perFile],
  'DriveRevisions.List': look,
  'DriveRevisions.Get': look,
  'DriveRevisions.GetMedia': read,
  'DriveRevisions.Update': write,
  'DriveRevisions.Delete': write,
  'DriveChanges.GetStartPageToken': look,
  'DriveChanges.List': look,
  'DriveAbout.Get': look,
  'DriveDrives.List': [drive, ...readonly],
} as const

export type Method = keyof typeof methods

/** Throws ACCESS_TOKEN_SCOPE_INSUFFICIENT (403) in Google's form. */
export function needScope(caller: Caller, method: Method): void {
  if (!methods[method].some((one) => caller.scopes.includes(one))) throw refuse.scope(method)
}

const openKey = (caller: Pick<Caller, 'email' | 'clientId'>): string => `${caller.clientId} ${caller.email}`

/** Lets `drive.file` of this client cover the file. */
export function openWith(file: DriveFile, caller: Pick<Caller, 'email' | 'clientId'>): void {
  const key = openKey(caller)
  if (!file.openedWith.includes(key)) file.openedWith.push(key)
}

/** Whether the client's scopes reach the file at all; what the person may do is another question. */
export function reaches(caller: Caller, file: DriveFile): boolean {
  if (file.space === 'appDataFolder') return caller.scopes.includes(appData) && file.appClient === caller.clientId && file.owner === caller.email
  if ([drive, metadata, metadataReadonly, ...readonly].some((one) => caller.scopes.includes(one))) return true
  return caller.scopes.includes(perFile) && file.openedWith.includes(openKey(caller))
}

/** Whether the client may change the file: `drive`, or `drive.file` when it made or opened it. */
export function reachesToWrite(caller: Caller, file: DriveFile, metadataOnly: boolean): boolean {
  if (file.space === 'appDataFolder') return reaches(caller, file)
  if (caller.scopes.includes(drive) || (metadataOnly && caller.scopes.includes(metadata))) return true
  return caller.scopes.includes(perFile) && file.openedWith.includes(openKey(caller))
}

/** Whether the hidden folder of its own is open to the client. */
export const hasAppData = (caller: Caller): boolean => caller.scopes.includes(appData)

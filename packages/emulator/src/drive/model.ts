import {z} from 'zod'

/** MIME types that mean something to Drive itself. */
export const mime = {
  folder: 'application/vnd.google-apps.folder',
  shortcut: 'application/vnd.google-apps.shortcut',
  colab: 'application/vnd.google.colaboratory',
  binary: 'application/octet-stream',
} as const

/** A folder, document or shortcut of Google's own: it has no bytes. Colab notebooks do have bytes. */
export const isNative = (type: string): boolean => type.startsWith('application/vnd.google-apps.')

const contentSchema = z.object({
  /** revision id, and the name of its bytes on disk */
  id: z.string(),
  size: z.number(),
  md5: z.string(),
  sha1: z.string(),
  sha256: z.string(),
  mimeType: z.string(),
  /** ms */
  modified: z.number(),
  by: z.string(),
  name: z.string(),
  keep: z.boolean().default(false),
})

/** One version of a file's bytes. */
export type Content = z.infer<typeof contentSchema>

const permissionSchema = z.object({
  id: z.string(),
  type: z.string(),
  role: z.string(),
  email: z.string().optional(),
  domain: z.string().optional(),
  discovery: z.boolean().optional(),
  expires: z.number().optional(),
})

export type Permission = z.infer<typeof permissionSchema>

const byUser = z.record(z.string(), z.number())

/** What is kept of a file. Times are ms of the emulator's clock, people are emails. */
export const fileSchema = z.object({
  id: z.string(),
  name: z.string(),
  mimeType: z.string(),
  description: z.string().optional(),
  /** null: a root, or shared with people who have no place for it */
  parent: z.string().nullable(),
  space: z.enum(['drive', 'appDataFolder']),
  owner: z.string(),
  /** of the application data: whose it is */
  appClient: z.string().optional(),
  created: z.number(),
  modified: z.number(),
  modifiedBy: z.string(),
  viewed: byUser,
  modifiedByUser: byUser,
  sharedAt: byUser,
  starredBy: z.array(z.string()),
  trashed: z.boolean(),
  trashedAt: z.number().optional(),
  trashedBy: z.string().optional(),
  version: z.number(),
  /** of the change log */
  seq: z.number(),
  permissions: z.array(permissionSchema),
  /** oldest first; the last is the head */
  revisions: z.array(contentSchema),
  properties: z.record(z.string(), z.string()),
  /** by client id */
  appProperties: z.record(z.string(), z.record(z.string(), z.string())),
  /** `client id` + space + `email`: what `drive.file` covers */
  openedWith: z.array(z.string()),
  folderColor: z.string().optional(),
  shortcutTarget: z.string().optional(),
  writersCanShare: z.boolean(),
  copyRequiresWriter: z.boolean(),
  indexableText: z.string().optional(),
})

export type DriveFile = z.infer<typeof fileSchema>

export const head = (file: DriveFile): Content | undefined => file.revisions.at(-1)

/** Something that is not there any more, for those who could see it. */
export interface Tombstone {
  id: string
  seq: number
  time: number
  emails: string[]
}

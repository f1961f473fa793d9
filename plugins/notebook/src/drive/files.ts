import {z} from 'zod'

export const mime = {
  colab: 'application/vnd.google.colaboratory',
  jupyter: 'application/x-ipynb+json',
  folder: 'application/vnd.google-apps.folder',
  shortcut: 'application/vnd.google-apps.shortcut',
} as const

/** A file of Drive, as far as cgpu asks for it. */
export interface DriveFile {
  id: string
  name: string
  mimeType: string
  /** bytes; null: it has none, as a folder */
  size: number | null
  /** ISO 8601 */
  createdAt: string | null
  modifiedAt: string | null
  owner: string | null
  trashed: boolean
  /** ids of the folders that it is in, where the account sees them */
  parents: string[]
  /** changes with the content, and with nothing else */
  revision: string | null
  md5: string | null
  /** the file that a shortcut stands for */
  target: string | null
}

/** What is asked of Drive for the above. */
export const fileFields = 'id,name,mimeType,size,createdTime,modifiedTime,trashed,parents,owners(emailAddress,displayName),headRevisionId,md5Checksum,shortcutDetails(targetId)'

const text = z.string().nullish()
const schema = z.object({
  id: z.string().min(1), name: z.string(), mimeType: z.string(), size: z.string().regex(/^\d{1,15}$/).nullish(), createdTime: text, modifiedTime: text, trashed: z.boolean().nullish(),
  parents: z.array(z.string()).nullish(), owners: z.array(z.object({emailAddress: text, displayName: text})).nullish(), headRevisionId: text, md5Checksum: text,
  shortcutDetails: z.object({targetId: text}).nullish(),
}).transform((file): DriveFile => ({
  id: file.id, name: file.name, mimeType: file.mimeType, size: file.size == null ? null : Number(file.size), createdAt: file.createdTime ?? null, modifiedAt: file.modifiedTime ?? null,
  owner: file.owners?.[0]?.emailAddress ?? file.owners?.[0]?.displayName ?? null, trashed: file.trashed ?? false, parents: file.parents ?? [],
  revision: file.headRevisionId ?? null, md5: file.md5Checksum ?? null, target: file.shortcutDetails?.targetId ?? null,
}))

/** Checks what came. Throws a ZodError for what is no file of Drive. */
export const fileOf = (value: unknown): DriveFile => schema.parse(value)

export const isNotebook = ({mimeType, name}: Pick<DriveFile, 'mimeType' | 'name'>): boolean =>
  mimeType === mime.colab || mimeType === mime.jupyter || (/\.ipynb$/i.test(name) && !mimeType.startsWith('application/vnd.google-apps.'))

/** The name with Jupyter's ending. */
export const withEnding = (name: string): string => (/\.ipynb$/i.test(name) ? name : `${name}.ipynb`)

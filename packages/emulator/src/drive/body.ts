import {z} from 'zod'
import {refuse} from './errors.ts'

const properties = z.record(z.string().min(1).max(124), z.string().max(124).nullable())

const time = z.string().transform((text, context) => {
  const ms = Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  context.addIssue({code: 'custom', message: 'not a date'})
  return z.NEVER
})

/** What a client may say about a file. Null takes a value away, as in a JSON merge. */
const metadataSchema = z.object({
  id: z.string().regex(/^[\w-]{10,64}$/).nullish(),
  name: z.string().nullish(),
  mimeType: z.string().nullish(),
  description: z.string().nullish(),
  parents: z.array(z.string()).nullish(),
  starred: z.boolean().nullish(),
  trashed: z.boolean().nullish(),
  properties: properties.nullish(),
  appProperties: properties.nullish(),
  createdTime: time.nullish(),
  modifiedTime: time.nullish(),
  viewedByMeTime: time.nullish(),
  folderColorRgb: z.string().nullish(),
  originalFilename: z.string().nullish(),
  shortcutDetails: z.object({targetId: z.string()}).nullish(),
  writersCanShare: z.boolean().nullish(),
  copyRequiresWriterPermission: z.boolean().nullish(),
  viewersCanCopyContent: z.boolean().nullish(),
  contentHints: z.object({indexableText: z.string().nullish()}).nullish(),
})

export type Metadata = z.infer<typeof metadataSchema>

const readOnly = ['size', 'md5Checksum', 'sha1Checksum', 'sha256Checksum', 'version', 'headRevisionId', 'owners', 'ownedByMe', 'webViewLink', 'webContentLink',
  'iconLink', 'capabilities', 'permissions', 'permissionIds', 'spaces', 'shared', 'lastModifyingUser', 'quotaBytesUsed', 'explicitlyTrashed', 'trashedTime', 'fileExtension', 'fullFileExtension', 'modifiedByMe', 'viewedByMe']

export function parseMetadata(value: unknown): Metadata {
  if (typeof value === 'object' && value !== null) {
    const field = readOnly.find((name) => Object.hasOwn(value, name))
    if (field !== undefined) throw refuse.notWritable(field)
  }
  return checked(metadataSchema, value)
}

const permissionSchema = z.object({
  type: z.string().nullish(), role: z.string().nullish(), emailAddress: z.string().nullish(), domain: z.string().nullish(),
  allowFileDiscovery: z.boolean().nullish(), expirationTime: time.nullish(), id: z.string().nullish(),
})

export type PermissionBody = z.infer<typeof permissionSchema>

export const parsePermission = (value: unknown): PermissionBody => checked(permissionSchema, value)

const revisionSchema = z.object({keepForever: z.boolean().nullish()})

export const parseRevision = (value: unknown): z.infer<typeof revisionSchema> => checked(revisionSchema, value)

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw refuse.body(`Invalid value at '${issue?.path.join('.') ?? ''}'`)
}

/** JSON text of a body; an empty one says nothing. */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw refuse.json('Parse Error')
  }
}

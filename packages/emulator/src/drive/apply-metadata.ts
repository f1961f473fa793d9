import type {Caller} from '../contract.ts'
import type {Metadata} from './body.ts'
import type {DriveFile} from './model.ts'

/**
 * Takes over what a client says of a file, as far as no other file has a part in it. Returns whether the file itself is
 * another now: what only the person sees does not count.
 */
export function applyMetadata(file: DriveFile, body: Metadata, {email, clientId}: Pick<Caller, 'email' | 'clientId'>): boolean {
  if (body.starred !== undefined) file.starredBy = [...file.starredBy.filter((one) => one !== email), ...(body.starred === true ? [email] : [])]
  if (body.viewedByMeTime) file.viewed[email] = body.viewedByMeTime
  let touched = body.modifiedTime !== undefined
  if (typeof body.name === 'string' && body.name !== file.name) {
    file.name = body.name
    touched = true
  }
  if (body.description !== undefined) {
    if (body.description === null) delete file.description
    else file.description = body.description
    touched = true
  }
  if (body.folderColorRgb) file.folderColor = body.folderColorRgb
  if (body.contentHints?.indexableText) file.indexableText = body.contentHints.indexableText
  if (typeof body.writersCanShare === 'boolean') file.writersCanShare = body.writersCanShare
  if (typeof body.copyRequiresWriterPermission === 'boolean') file.copyRequiresWriter = body.copyRequiresWriterPermission
  if (typeof body.viewersCanCopyContent === 'boolean') file.copyRequiresWriter = !body.viewersCanCopyContent
  if (body.properties) file.properties = merged(file.properties, body.properties)
  if (body.appProperties) file.appProperties[clientId] = merged(file.appProperties[clientId] ?? {}, body.appProperties)
  return touched
}

/** Null takes a property away. */
function merged(before: Record<string, string>, change: Record<string, string | null>): Record<string, string> {
  const next = {...before}
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete next[name]
    else next[name] = value
  }
  return next
}

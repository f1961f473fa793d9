import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Drive, Permission} from './drive.ts'
import type {DriveFile} from './files.ts'

export interface Sharing {
  /** addresses */
  people: readonly string[]
  /** whoever has the link */
  anyone: boolean
  /** addresses, or `anyone` */
  remove: readonly string[]
  role: string
  notify: boolean
}

/** Changes who may see a notebook; who may then. What is wrong is found before the first change: INVALID_ADDRESS (64), NOT_SHARED_WITH (66). */
export async function share(drive: Drive, file: DriveFile, {people, anyone, remove, role, notify}: Sharing): Promise<Permission[]> {
  for (const one of people) if (!/^[^\s@]+@[^\s@]+$/.test(one)) throw errors.usage(`${sanitizeLine(one, 100)} is no e-mail address`, {code: 'INVALID_ADDRESS', fix: 'give one such as you@example.com'})
  const before = await drive.permissions(file.id)
  const gone = remove.map((one) => permissionOf(before, one, file))
  for (const email of people) await drive.share(file.id, {email, role, notify})
  if (anyone) await drive.share(file.id, {role, notify})
  for (const one of gone) await drive.unshare(file.id, one.id)
  return people.length + remove.length > 0 || anyone ? drive.permissions(file.id) : before
}

function permissionOf(permissions: readonly Permission[], who: string, {name}: DriveFile): Permission {
  const found = permissions.find((one) => (who === 'anyone' ? one.type === 'anyone' : one.email?.toLowerCase() === who.toLowerCase()))
  if (!found) throw errors.notFound(`${sanitizeLine(name, 200)} is not shared with ${sanitizeLine(who, 100)}`, {code: 'NOT_SHARED_WITH', category: 'file', fix: 'see with whom it is: cgpu notebook share NOTEBOOK'})
  if (found.role === 'owner') throw errors.usage(`${sanitizeLine(who, 100)} owns ${sanitizeLine(name, 200)}`, {code: 'OWNER_STAYS', category: 'file', fix: 'give it to somebody else in Drive first'})
  return found
}

import type {DriveFile} from './model.ts'
import type {Store} from './store.ts'

/** What somebody may do with a file; more includes less. */
export const rank = {none: 0, reader: 1, commenter: 2, writer: 3, owner: 4} as const

export type Rank = (typeof rank)[keyof typeof rank]

const ranks: Record<string, Rank> = {reader: rank.reader, commenter: rank.commenter, writer: rank.writer, fileOrganizer: rank.writer, organizer: rank.writer, owner: rank.owner}

interface Rights {
  /** also by a link that anyone may follow */
  all: Rank
  /** because the person was named, here or above */
  named: Rank
}

/** One person's rights, worked out for one request: permissions of the file and of every folder above it. */
export class Access {
  readonly #store: Store
  readonly #email: string
  readonly #known = new Map<string, Rights>()

  constructor(store: Store, email: string) {
    this.#store = store
    this.#email = email
  }

  rank(file: DriveFile): Rank {
    return this.#rights(file).all
  }

  /** What `files.list` goes by: files behind a public link are not listed to everybody. */
  listed(file: DriveFile): boolean {
    return this.#rights(file).named > rank.none
  }

  #rights(file: DriveFile): Rights {
    const known = this.#known.get(file.id)
    if (known) return known
    const rights: Rights = {all: rank.none, named: rank.none}
    const above = file.parent === null ? undefined : this.#store.get(file.parent)
    if (above) {
      const inherited = this.#rights(above)
      // who owns a folder edits what others put into it, and does not own that
      rights.all = min(inherited.all, rank.writer)
      rights.named = min(inherited.named, rank.writer)
    }
    const now = this.#store.clock.now()
    for (const permission of file.permissions) {
      if (permission.expires !== undefined && permission.expires <= now) continue
      const named = permission.type === 'user' || permission.type === 'group' ? permission.email === this.#email
        : permission.type === 'domain' && permission.domain === this.#email.split('@')[1] && permission.discovery === true
      const reached = named || permission.type === 'anyone' || (permission.type === 'domain' && permission.domain === this.#email.split('@')[1])
      const granted = ranks[permission.role] ?? rank.none
      if (reached) rights.all = max(rights.all, granted)
      if (named) rights.named = max(rights.named, granted)
    }
    this.#known.set(file.id, rights)
    return rights
  }
}

const min = (a: Rank, b: Rank): Rank => (a < b ? a : b)
const max = (a: Rank, b: Rank): Rank => (a > b ? a : b)

/** Whether the file or a folder above it is in the bin. */
export function isTrashed(store: Store, file: DriveFile): boolean {
  for (let at: DriveFile | undefined = file; at; at = at.parent === null ? undefined : store.get(at.parent)) if (at.trashed) return true
  return false
}

import {readFileSync} from 'node:fs'
import {readdir, readFile, rename, rm, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {tempSuffix, writeAtomic} from '@cgpu/core/state/atomic'
import {parseJson} from '@cgpu/core/state/json'
import {withLock} from '@cgpu/core/state/lock'
import {uniqueTag} from '@cgpu/core/state/token'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {z} from 'zod'
import {busy, refused} from './problems.ts'
import {stateFile, type UpdateState} from './state.ts'
import {compareVersions} from './version.ts'

/** build.json of a packed version. `node`: the version of the Node inside, null where there is none. */
const buildSchema = z.object({
  version: z.string(), commit: z.string(), date: z.string(), target: z.string(), node: z.string().nullable(),
  update: z.object({url: z.string().nullable(), keys: z.array(z.string())}),
})
export type BuildInfo = z.infer<typeof buildSchema>

/** A version that is on this computer. */
export interface Installed {
  /** its folder's name: version and commit */
  id: string
  version: string
  state: 'current' | 'installed'
  /** ISO 8601 */
  createdAt: string
  node: string | null
}

export const buildId = (version: string, commit: string): string => `${version}-${commit.slice(0, 8)}`

/**
 * A standalone cgpu: `bin/cgpu` starts the version that the file `current` names; versions lie side by side below `versions/`. Whatever
 * is below that name is whole, as it gets there by a rename, and `current` is replaced by one: killed at any moment, the old or the new
 * version works. Changes are made under `update.lock`.
 */
export class Installation {
  readonly home: string
  readonly build: BuildInfo
  /** of the version that runs now, which a switch does not change */
  readonly runningId: string

  /** `root`: the folder of the running version's package.json. */
  constructor(root: string) {
    this.home = dirname(dirname(root))
    this.runningId = basename(root)
    this.build = readBuild(root)
  }

  get versionsDir(): string {
    return join(this.home, 'versions')
  }

  folderOf(id: string): string {
    return join(this.versionsDir, id)
  }

  partOf(sha256: string): string {
    return join(this.home, 'downloads', `${sha256}.part`)
  }

  /** The name under which a build for this installation stands in a release. */
  get target(): string {
    return this.build.node === null ? `${this.build.target}-no-node` : this.build.target
  }

  async locked<T>(work: () => Promise<T>): Promise<T> {
    return withLock(join(this.home, 'update.lock'), work, {timeoutMs: 1000}).catch((error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === 'LOCK_TIMEOUT' ? busy(error) : error
    })
  }

  async currentId(): Promise<string> {
    return (await readFile(join(this.home, 'current'), 'utf8').catch(() => this.runningId)).trim()
  }

  /** Newest version first. */
  async list(): Promise<Installed[]> {
    const current = await this.currentId()
    const names = (await readdir(this.versionsDir)).filter(name => !name.startsWith('.'))
    const found = await Promise.all(names.map(async (id): Promise<Installed | undefined> => {
      try {
        const {version, node} = readBuild(this.folderOf(id))
        const {mtime} = await stat(join(this.folderOf(id), 'build.json'))
        return {id, version, state: id === current ? 'current' : 'installed', createdAt: mtime.toISOString(), node}
      } catch {
        return undefined // not one of ours
      }
    }))
    return found.filter(one => one !== undefined).sort((a, b) => compareVersions(b.version, a.version) || b.createdAt.localeCompare(a.createdAt))
  }

  /** By id, version, or a beginning of the id that only one has. Throws UPDATE_NOT_FOUND (66) or VERSION_AMBIGUOUS (64). */
  async find(name: string): Promise<Installed> {
    const all = await this.list()
    const exact = all.filter(({id, version}) => id === name || version === name)
    const found = exact.length > 0 ? exact : all.filter(({id}) => id.startsWith(name))
    if (found.length > 1) throw refused.ambiguous(name, found.map(({id}) => id))
    if (!found[0]) throw refused.notInstalled(name)
    return found[0]
  }

  /** Lets `bin/cgpu` start that version from now on, and remembers what was used before. */
  async activate(id: string, change: (state: UpdateState) => void = () => undefined): Promise<void> {
    const before = await this.currentId()
    await writeAtomic(join(this.home, 'current'), `${id}\n`, {mode: 0o644})
    await this.state.update(state => {
      if (state.history.at(-1) !== before) state.history.push(before)
      if (id !== before) state.history.push(id)
      state.history = state.history.slice(-20)
      change(state)
      return state
    })
  }

  get state(): ReturnType<typeof stateFile> {
    return stateFile(join(this.home, 'state.json'))
  }

  /** The folder has its name no more, before anything in it is removed. */
  async remove(id: string): Promise<void> {
    const away = join(this.versionsDir, `.${id}.${uniqueTag()}${tempSuffix}`)
    try {
      await rename(this.folderOf(id), away)
    } catch (error) {
      throw cannotWrite(this.folderOf(id), error)
    }
    await rm(away, {recursive: true, force: true}).catch(() => undefined) // swept later
  }

  /** What killed processes left: half unpacked and half removed versions. Only under the lock. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.versionsDir).catch(() => [])) {
      if (name.startsWith('.') && name.endsWith(tempSuffix)) await rm(join(this.versionsDir, name), {recursive: true, force: true}).catch(() => undefined)
    }
  }

  /** Downloads that nobody will continue. */
  async clearDownloads(): Promise<void> {
    await rm(join(this.home, 'downloads'), {recursive: true, force: true}).catch(() => undefined)
  }
}

function readBuild(root: string): BuildInfo {
  const path = join(root, 'build.json')
  try {
    return buildSchema.parse(parseJson(readFileSync(path, 'utf8')))
  } catch (error) {
    throw errors.data(`${sanitizeLine(path)} cannot be used: ${errnoOf(error) ?? 'it is damaged'}`, {code: 'INSTALLATION_DAMAGED', fix: 'install cgpu again over this one', cause: error})
  }
}

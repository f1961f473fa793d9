import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import type {FoundEntry} from '@cgpu/core/files/remote'
import {formatBytes} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag, noFile, type There} from '../../files-command.ts'

interface Removed {
  path: string
  type: string
  /** of a folder with all in it; told with --dry-run */
  files?: number
  size?: number
}

/** Removes files of a runtime. */
export default class FsRm extends FilesCommand<Removed[]> {
  static override description = 'Nothing is removed unless everything that was named is there and may go: a folder needs -r. A link is removed, not what it leads to. Never the working folder, the home or the root. Patterns (*, ?, [a-z], **) are matched on the runtime: put them in quotes.'
  static override examples = [
    {command: '<%= config.bin %> fs rm trainer:old.csv', description: 'a file'},
    {command: '<%= config.bin %> fs rm -r "trainer:run-*"', description: 'all folders and files that match'},
  ]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      // variables of its own: one that is set for another command must not remove more here
      recursive: boolean({env: 'CGPU_RM_RECURSIVE', char: 'r', summary: 'folders too, with all that is in them'}),
      force: boolean({env: 'CGPU_RM_FORCE', char: 'f', summary: 'it is no error when nothing is there'}),
      'dry-run': boolean({summary: 'only show what would be removed'}),
    }),
  }
  static override seeAlso = ['fs ls', 'fs find', 'fs mv']
  static override strict = false
  static override summary = 'remove files of a runtime'
  static override usage = 'fs rm [-r] NAME:PATH…'

  async run(): Promise<Removed[]> {
    const {argv, flags} = await this.parse(FsRm)
    return this.withFiles(flags, this.several(argv, 'file'), async (there) => {
      const meant = await this.#meant(there, flags.force)
      const folder = meant.find(({type}) => type === 'directory')
      if (folder && !flags.recursive) {
        throw errors.usage(`${sanitizeLine(folder.path, 200)} is a folder`, {code: 'IS_FOLDER', category: 'file', fix: 'give -r to remove folders with all that is in them'})
      }
      if (flags['dry-run']) return this.#plan(there, meant)
      for (const [done, {path, raw}] of meant.entries()) {
        const place = raw === undefined ? {path} : {path, raw}
        await this.busy('removing', () => there.files.remove(place, {recursive: flags.recursive, signal: there.signal})).catch((error: unknown) => {
          if (done > 0) this.warn(`${done} of ${meant.length} were removed before this failed`)
          throw error
        })
      }
      this.notice(meant.length === 1 ? `removed ${sanitizeLine(meant[0]?.path ?? '')}` : `removed ${meant.length}`)
      return meant.map(({path, type}) => ({path, type}))
    })
  }

  /** Each once; what goes with its folder is not named again. */
  async #meant({files, paths, name, signal}: There, force: boolean): Promise<FoundEntry[]> {
    const all = new Map<string, FoundEntry>()
    for (const path of paths) {
      const found = await files.expand(path, {signal})
      if (found.length === 0 && !force) throw noFile(path, name)
      for (const entry of found) all.set(entry.raw ?? entry.path.replace(/^(\.\/)+/, ''), entry)
    }
    const folders = [...all.values()].filter(({type}) => type === 'directory').map(({path}) => `${path}/`)
    return [...all.values()].filter(({path}) => !folders.some((folder) => path.startsWith(folder)))
  }

  async #plan({files, signal}: There, meant: readonly FoundEntry[]): Promise<Removed[]> {
    const plan: Removed[] = []
    for (const entry of meant) {
      const total = entry.type === 'directory' ? (await files.usage(entry, 0, {signal})).sizes.at(-1) : undefined
      plan.push({path: entry.path, type: entry.type, files: total?.files ?? 1, size: total?.size ?? entry.size})
      const holds = total ? ` with ${total.files === 1 ? 'a file' : `${total.files} files`}, ${formatBytes(total.size)}` : ` (${formatBytes(entry.size)})`
      this.log(`would remove ${sanitizeLine(entry.path)}${holds}`)
    }
    return plan
  }
}

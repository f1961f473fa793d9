import {boolean, option} from '@oclif/core/flags'
import type {FoundEntry, RemotePath} from '@cgpu/core/files/remote'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag, type There} from '../../files-command.ts'
import {columns, type FileView, fileView, longLine, shownName} from '../../render/files.ts'

/** names that are laid out together: a folder of any size is shown in bounded memory */
const together = 2000

/** Lists files on a runtime. */
export default class FsLs extends FilesCommand<FileView[]> {
  static override description = 'PATH is below the runtime\'s working folder, or absolute; patterns (*, ?, [a-z], **) are matched there: put them in quotes. Names of folders end with a slash. Characters that a terminal would act on are shown as \\x1b or the like.'
  static override examples = [
    {command: '<%= config.bin %> fs ls trainer:', description: 'the working folder of trainer'},
    {command: '<%= config.bin %> fs ls -l --sort time trainer:~', description: 'with sizes and times, the newest first'},
  ]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      long: boolean({char: 'l', summary: 'show modes, sizes and times'}),
      all: boolean({char: 'a', summary: 'show names that begin with a dot too'}),
      sort: option({options: ['name', 'size', 'time'] as const, summary: 'by name, the largest first, or the newest first', exclusive: ['time', 'size']})(),
      time: boolean({char: 't', summary: 'the newest first'}),
      size: boolean({char: 'S', summary: 'the largest first', exclusive: ['time']}),
      reverse: boolean({summary: 'the other way round'}),
    }),
  }
  static override seeAlso = ['fs find', 'fs du', 'fs stat', 'cp']
  static override strict = false
  static override summary = 'list files on a runtime'
  static override usage = 'fs ls [NAME:PATH…]'

  async run(): Promise<FileView[]> {
    const {argv, flags} = await this.parse(FsLs)
    const {long, all} = flags
    const sort = flags.sort ?? (flags.time ? 'time' : flags.size ? 'size' : 'name')
    return this.withFiles(flags, argv.length === 0 ? ['.'] : argv.map(String), async (there) => {
      const views: FileView[] = []
      const show = async (entries: readonly FoundEntry[], folder?: string): Promise<void> => {
        if (this.jsonEnabled()) views.push(...entries.map((entry) => fileView(entry, folder)))
        else if (long) await this.lines(entries.map(longLine))
        else await this.lines(process.stdout.isTTY ? columns(entries.map(shownName), process.stdout.columns || 80) : entries.map(shownName))
      }
      const {files: alone, folders} = await this.#asked(there)
      await show(alone)
      for (const [at, folder] of folders.entries()) {
        if (alone.length + folders.length > 1) await this.lines([...(alone.length + at > 0 ? [''] : []), `${sanitizeLine(folder.path, 500)}:`])
        let waiting: FoundEntry[] = []
        await there.files.list(folder, async (entries) => {
          waiting.push(...entries)
          if (waiting.length < together) return
          const full = waiting
          waiting = []
          await show(full, folder.path)
        }, {all, sort, reverse: flags.reverse, signal: there.signal})
        await show(waiting, folder.path)
      }
      return views
    })
  }

  /** A link to a folder is listed as the folder, as ls does; in a long list it is a link. */
  async #asked(there: There): Promise<{files: FoundEntry[]; folders: RemotePath[]}> {
    if (there.paths.length === 1 && !/[*?[]/.test(there.paths[0] ?? '')) {
      const path = there.paths[0] ?? '.'
      const about = await this.expanded(there).then(([one]) => one)
      if (about?.type === 'directory') return {files: [], folders: [{path}]}
      const real = about?.type === 'link' ? await there.files.describe(path, {follow: true, signal: there.signal}).catch(() => about) : about
      return real?.type === 'directory' ? {files: [], folders: [{path}]} : {files: about ? [about] : [], folders: []}
    }
    const found = await this.expanded(there)
    return {files: found.filter(({type}) => type !== 'directory'), folders: found.filter(({type}) => type === 'directory')}
  }
}

import {boolean, integer} from '@oclif/core/flags'
import type {FolderSize} from '@cgpu/core/files/remote'
import {formatBytes} from '@cgpu/core/text/format'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag} from '../../files-command.ts'
import {joined} from '../../render/files.ts'
import {table} from '../../render/table.ts'

interface Used {
  path: string
  /** bytes that it takes on the disk, all in it included */
  onDisk: number
  /** bytes as the files say */
  size: number
  files: number
}

/** Shows what folders of a runtime take. */
export default class FsDu extends FilesCommand<Used[]> {
  static override description = 'The largest folders first, the total last. Links are not followed, and a file with several names counts once.'
  static override examples = [
    {command: '<%= config.bin %> fs du trainer:', description: 'the working folder, and the folders in it'},
    {command: '<%= config.bin %> fs du -d 0 trainer:', description: 'only the total'},
  ]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      depth: integer({char: 'd', min: 0, default: 1, summary: 'show folders so many levels down', helpValue: 'LEVELS'}),
      'apparent-size': boolean({summary: 'as many bytes as the files say, not what they take on the disk'}),
      bytes: boolean({char: 'b', summary: 'numbers of bytes instead of sizes for people'}),
    }),
  }
  static override seeAlso = ['fs ls', 'fs find']
  static override strict = false
  static override summary = 'show what folders of a runtime take'
  static override usage = 'fs du [-d LEVELS] [NAME:PATH…]'

  async run(): Promise<Used[]> {
    const {argv, flags} = await this.parse(FsDu)
    const meant = (one: Pick<FolderSize, 'size' | 'onDisk'>): number => (flags['apparent-size'] ? one.size : one.onDisk)
    return this.withFiles(flags, argv.length === 0 ? ['.'] : argv.map(String), async (there) => {
      const all: Used[] = []
      for (const entry of await this.expanded(there)) {
        const {sizes, denied} = await this.busy('counting', () => there.files.usage(entry, flags.depth, {signal: there.signal}))
        this.warnDenied(denied)
        const total = sizes.pop()
        const folders = [...sizes.toSorted((a, b) => meant(b) - meant(a) || (a.path < b.path ? -1 : 1)), ...(total ? [total] : [])]
        all.push(...folders.map(({path, size, onDisk, files}) => ({path: joined(entry.path, path), onDisk, size, files})))
      }
      if (all.length > 0) this.log(table([], all.map((one) => [flags.bytes ? String(meant(one)) : formatBytes(meant(one)), one.path])))
      return all
    })
  }
}

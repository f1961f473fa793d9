import {boolean} from '@oclif/core/flags'
import {formatBytes, formatMoment} from '@cgpu/core/text/format'
import type {DescribedEntry} from '@cgpu/core/files/remote'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag} from '../../files-command.ts'
import {type FileView, fileView, isoOf, modeText, octal} from '../../render/files.ts'
import {table} from '../../render/table.ts'

type Facts = FileView & Pick<DescribedEntry, 'real' | 'links' | 'onDisk' | 'inode' | 'owner' | 'group' | 'uid' | 'gid' | 'sha256'> & {changedAt: string; accessedAt: string}

/** Shows all about files of a runtime. */
export default class FsStat extends FilesCommand<Facts[]> {
  static override examples = [{command: '<%= config.bin %> fs stat --hash trainer:data.csv', description: 'its size, times, owner and SHA-256'}]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      hash: boolean({summary: 'the SHA-256 of files too'}),
      dereference: boolean({char: 'L', summary: 'of a link, what it leads to'}),
    }),
  }
  static override seeAlso = ['fs ls', 'fs du']
  static override strict = false
  static override summary = 'show all about files of a runtime'
  static override usage = 'fs stat NAME:PATH…'

  async run(): Promise<Facts[]> {
    const {argv, flags} = await this.parse(FsStat)
    return this.withFiles(flags, this.several(argv, 'file'), async (there) => {
      const facts: Facts[] = []
      for (const entry of await this.expanded(there)) {
        const asked = {hash: flags.hash, follow: flags.dereference, signal: there.signal}
        const about = {...(await this.busy('reading', () => there.files.describe(entry, asked))), path: entry.path}
        if (facts.length > 0) this.log()
        this.log(factsOf(about))
        const {real, links, onDisk, inode, owner, group, uid, gid, sha256} = about
        facts.push({
          ...fileView(about), real, links, onDisk, inode, owner, group, uid, gid, changedAt: isoOf(about.changed), accessedAt: isoOf(about.accessed),
          ...(sha256 === undefined ? {} : {sha256}),
        })
      }
      return facts
    })
  }
}

function factsOf(about: DescribedEntry): string {
  const rows: (readonly [string, string])[] = [
    ['path', about.path],
    ['type', about.type],
    ['leads to', about.target ?? ''],
    ['real path', about.real === about.path ? '' : about.real],
    ['size', `${formatBytes(about.size)}${about.size < 1024 ? '' : ` (${about.size} bytes)`}, ${formatBytes(about.onDisk)} on disk`],
    ['mode', `${octal(about.mode)} ${modeText(about.type, about.mode)}`],
    ['owner', `${about.owner}:${about.group}`],
    ['modified', formatMoment(about.mtime * 1000)],
    ['changed', formatMoment(about.changed * 1000)],
    ['accessed', formatMoment(about.accessed * 1000)],
    ['names', about.links > 1 && about.type !== 'directory' ? String(about.links) : ''],
    ['sha256', about.sha256 ?? ''],
  ]
  return table([], rows.filter(([, value]) => value !== ''))
}

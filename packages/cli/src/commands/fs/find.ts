import {string as stringArg} from '@oclif/core/args'
import {boolean, integer, option, string} from '@oclif/core/flags'
import type {FoundEntry} from '@cgpu/core/files/remote'
import {parseMoment} from '@cgpu/core/text/moment'
import {parseSize} from '@cgpu/core/text/size'
import {withEnv} from '@cgpu/plugin-sdk'
import {FilesCommand, filesRuntimeFlag, withFix} from '../../files-command.ts'
import {type FileView, fileView, joined, longLine, shownName} from '../../render/files.ts'
import {writeTo} from '../../stream/sink.ts'

const kinds = {f: 'file', d: 'directory', l: 'link'} as const

/** Finds files on a runtime. */
export default class FsFind extends FilesCommand<FileView[]> {
  static override args = {path: stringArg({description: 'a folder, NAME:PATH on a runtime', default: '.'})}
  static override description = 'What is found is shown as it is found, in order of names; links are not followed. --print0 is for programs: it ends names with NUL and leaves every byte as it is.'
  static override examples = [
    {command: '<%= config.bin %> fs find trainer: --name "*.csv"', description: 'below the working folder'},
    {command: '<%= config.bin %> fs find trainer: --type f --size +100M --newer 2h', description: 'large files of the last two hours'},
  ]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      // CGPU_NAME is a runtime's
      name: string({env: 'CGPU_FIND_NAME', multiple: true, summary: 'a pattern of file names; one of several must match', helpValue: 'PATTERN'}),
      type: option({options: ['f', 'd', 'l'] as const, summary: 'files, folders (d) or links'})(),
      size: string({multiple: true, summary: 'more (+10M) or less (-1G) than so much, or exactly so much', helpValue: 'SIZE'}),
      newer: string({summary: 'changed since then: 2h, or 2026-11-28', helpValue: 'TIME'}),
      'max-depth': integer({min: 1, summary: 'so many levels down at most', helpValue: 'LEVELS'}),
      long: boolean({char: 'l', summary: 'show modes, sizes and times'}),
      print0: boolean({env: 'CGPU_PRINT_NUL', summary: 'end names with NUL, as they are', exclusive: ['long']}),
    }),
  }
  static override seeAlso = ['fs ls', 'fs du', 'fs rm']
  static override summary = 'find files on a runtime'

  async run(): Promise<FileView[]> {
    const {args, flags} = await this.parse(FsFind)
    const wanted = {
      ...(flags.name ? {names: flags.name} : {}), ...(flags.type ? {type: kinds[flags.type]} : {}), ...sizesOf(flags.size ?? []),
      ...(flags.newer === undefined ? {} : {newer: parseMoment(flags.newer) / 1000}), ...(flags['max-depth'] === undefined ? {} : {maxDepth: flags['max-depth']}),
    }
    return this.withFiles(flags, [args.path], async ({files, paths: [root = '.'], signal}) => {
      const views: FileView[] = []
      const show = async (entries: FoundEntry[]): Promise<void> => {
        const whole = entries.map((entry) => ({...entry, path: joined(root, entry.path)}))
        if (this.jsonEnabled()) views.push(...entries.map((entry) => fileView(entry, root)))
        else if (flags.print0) await writeTo(process.stdout, Buffer.concat(entries.flatMap((entry) => [bytesOf(entry, root), Buffer.of(0)])))
        else await this.lines(whole.map(flags.long ? longLine : shownName))
      }
      const denied = await files.find(root, show, {...wanted, signal}).catch((error: unknown) => {
        throw withFix(error, {NOT_DIRECTORY: `give a folder; for one file: cgpu fs stat`})
      })
      this.warnDenied(denied)
      return views
    })
  }
}

function bytesOf(entry: FoundEntry, root: string): Buffer {
  const {path, pathBase64} = fileView(entry, root)
  return pathBase64 === undefined ? Buffer.from(path) : Buffer.from(pathBase64, 'base64')
}

/** `+10M`, `-1G`, `512`. Throws INVALID_SIZE (64). */
function sizesOf(texts: readonly string[]): {minSize?: number; maxSize?: number} {
  const found: {minSize?: number; maxSize?: number} = {}
  for (const text of texts) {
    const [, sign, size = ''] = /^([+-]?)(.*)$/s.exec(text.trim()) ?? []
    const bytes = parseSize(size)
    if (sign !== '-') found.minSize = bytes + (sign === '+' ? 1 : 0)
    if (sign !== '+') found.maxSize = Math.max(0, bytes - (sign === '-' ? 1 : 0))
  }
  return found
}

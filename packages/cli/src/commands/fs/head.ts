import {string as stringArg} from '@oclif/core/args'
import {integer, string} from '@oclif/core/flags'
import {parseSize} from '@cgpu/core/text/size'
import {withEnv} from '@cgpu/plugin-sdk'
import {type Content, ContentSink} from '../../fs/content.ts'
import {FilesCommand, filesRuntimeFlag, readingFile} from '../../files-command.ts'

/** Prints the beginning of a file of a runtime. */
export default class FsHead extends FilesCommand<Content> {
  static override args = {path: stringArg({description: 'NAME:PATH on a runtime', required: true})}
  static override examples = [{command: '<%= config.bin %> fs head -n 3 trainer:train.log', description: 'its first three lines'}]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      lines: integer({char: 'n', min: 0, default: 10, summary: 'so many lines', helpValue: 'LINES'}),
      bytes: string({char: 'c', summary: 'so many bytes instead, such as 512 or 10k', helpValue: 'BYTES'}),
    }),
  }
  static override seeAlso = ['fs tail', 'fs cat']
  static override summary = 'print the beginning of a file of a runtime'

  async run(): Promise<Content> {
    const {args, flags} = await this.parse(FsHead)
    const bytes = flags.bytes === undefined ? undefined : parseSize(flags.bytes)
    return this.withFiles(flags, [args.path], async (there) => {
      const sink = new ContentSink({json: this.jsonEnabled()})
      const [entry = {path: args.path}] = await this.expandedFiles(there)
      let left = flags.lines
      const lines = async (data: Uint8Array): Promise<void | false> => {
        const end = afterLines(data, left)
        left -= end.lines
        await sink.write(data.subarray(0, end.at))
        return left > 0 ? undefined : false
      }
      // with 0 nothing is read, but whether it can be is found out
      const wanted = bytes ?? (left === 0 ? 0 : undefined)
      await readingFile(there.files.read(entry, {
        window: 64 * 1024, ...(wanted === undefined ? {} : {length: wanted}), onData: bytes === undefined ? lines : (data) => sink.write(data), signal: there.signal,
      }), entry.path, there.name)
      return sink.end(entry.path)
    })
  }
}

/** Where so many lines end in it, or how many it holds. */
function afterLines(data: Uint8Array, wanted: number): {at: number; lines: number} {
  let at = 0
  for (let lines = 0; lines < wanted; lines++) {
    const next = data.indexOf(10, at)
    if (next === -1) return {at: data.length, lines}
    at = next + 1
  }
  return {at, lines: wanted}
}

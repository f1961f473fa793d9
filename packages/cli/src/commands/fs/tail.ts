import {string as stringArg} from '@oclif/core/args'
import {boolean, integer, string} from '@oclif/core/flags'
import {parseSize} from '@cgpu/core/text/size'
import {withEnv} from '@cgpu/plugin-sdk'
import {type Content, ContentSink} from '../../fs/content.ts'
import {FilesCommand, filesRuntimeFlag, readingFile} from '../../files-command.ts'

/** Prints the end of a file of a runtime. */
export default class FsTail extends FilesCommand<Content> {
  static override args = {path: stringArg({description: 'NAME:PATH on a runtime', required: true})}
  static override description = 'With -f it goes on, over lost connections too, until Ctrl-C. A file that is emptied, or that takes the place of the one that is followed, is read from its beginning.'
  static override examples = [{command: '<%= config.bin %> fs tail -n 3 trainer:train.log', description: 'its last three lines; -f goes on with what comes'}]
  static override flags = {
    ...filesRuntimeFlag,
    ...withEnv({
      lines: integer({char: 'n', min: 0, default: 10, summary: 'so many lines', helpValue: 'LINES'}),
      bytes: string({char: 'c', summary: 'so many bytes instead, such as 512 or 10k', helpValue: 'BYTES'}),
      follow: boolean({char: 'f', summary: 'go on with what comes'}),
    }),
  }
  static override seeAlso = ['fs head', 'fs cat', 'job logs']
  static override summary = 'print the end of a file of a runtime'

  async run(): Promise<Content> {
    const {args, flags} = await this.parse(FsTail)
    const {lines, follow} = flags
    const bytes = flags.bytes === undefined ? undefined : parseSize(flags.bytes)
    return this.withFiles(flags, [args.path], async (there) => {
      const sink = new ContentSink({json: this.jsonEnabled()})
      const [entry = {path: args.path}] = await this.expandedFiles(there)
      await readingFile(there.files.read(entry, {
        from: bytes === undefined ? {lines} : {bytes}, follow, signal: there.signal,
        onData: (data) => sink.write(data),
        onRestart: (why) => this.notice(why === 'truncated' ? 'the file was emptied; from its beginning:' : 'another file took its place; from its beginning:'),
      }), entry.path, there.name)
      return sink.end(entry.path)
    })
  }
}

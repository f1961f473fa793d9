import {type Content, ContentSink} from '../../fs/content.ts'
import {FilesCommand, filesRuntimeFlag, readingFile} from '../../files-command.ts'

/** Prints files of a runtime. */
export default class FsCat extends FilesCommand<Content[]> {
  static override description = 'Into a pipe or a file bytes go as they are, in bounded memory. On a terminal control sequences are made harmless. With --json the first MiB of each file.'
  static override examples = [{command: '<%= config.bin %> fs cat trainer:train.log', description: 'the whole file'}]
  static override flags = {...filesRuntimeFlag}
  static override seeAlso = ['fs head', 'fs tail', 'cp']
  static override strict = false
  static override summary = 'print files of a runtime'
  static override usage = 'fs cat NAME:PATH…'

  async run(): Promise<Content[]> {
    const {argv, flags} = await this.parse(FsCat)
    return this.withFiles(flags, this.several(argv, 'file'), async (there) => {
      const {files, name, signal} = there
      const sink = new ContentSink({json: this.jsonEnabled()})
      const contents: Content[] = []
      for (const entry of await this.expandedFiles(there)) {
        await readingFile(files.read(entry, {onData: (data) => sink.write(data), signal}), entry.path, name)
        contents.push(await sink.end(entry.path))
      }
      return contents
    })
  }
}

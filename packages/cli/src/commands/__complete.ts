import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {readCommands} from '../completion/commands.ts'
import {complete} from '../completion/complete.ts'
import {liveSources} from '../completion/sources.ts'

/**
 * Answers a shell: `cgpu __complete SHELL WORDS…`, the last word being typed and perhaps empty. One candidate a line, a
 * description behind a tab; lines that begin with `:` ask the shell for files, folders, or no space. Never fails.
 */
export default class Complete extends CgpuCommand<void> {
  static override hidden = true
  static override remoteArgs = true
  static override strict = false
  static override standalone = true
  static override summary = 'answer a shell\'s completion'

  async run(): Promise<void> {
    this.parsed = true
    const [shell = '', ...words] = this.argv
    const {configDir, dataDir, cacheDir, root} = this.config
    try {
      const sources = liveSources({dirs: resolveDirs(process.env, {configDir, dataDir, cacheDir}), env: process.env, cwd: process.cwd()})
      const typed = shell === 'bash' ? words.map(unquote) : words
      const {candidates, directives} = await complete(typed, await readCommands(root, dataDir), sources)
      const lines = candidates.map(({value, description}) => (description && shell !== 'bash' ? `${value}\t${description.replaceAll(/\s+/g, ' ')}` : value))
      const text = [...directives.map((directive) => `:${directive}`), ...lines].map((line) => `${line}\n`).join('')
      await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
    } catch {
      // a shell must not print an error into the line that is being typed
    }
    // a source that was too slow may still hold a socket
    process.exit(0)
  }

  override jsonEnabled(): boolean {
    return false
  }
}

/** bash hands words over as they stand on the line, with their quotes. */
function unquote(word: string): string {
  const quoted = /^(["'])(.*?)\1?$/s.exec(word)
  return quoted ? (quoted[2] ?? '') : word.replaceAll(/\\(.)/gs, '$1')
}

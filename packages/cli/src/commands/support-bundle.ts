import {existsSync} from 'node:fs'
import {resolve} from 'node:path'
import {boolean, string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand, sanitizeLine, withEnv} from '@cgpu/plugin-sdk'
import {confirm} from '../input.ts'
import {supportBundle} from '../support/bundle.ts'

export interface SupportBundleResult {
  /** null: printed, not saved */
  path: string | null
  bytes: number
  sections: string[]
  /** where it was not saved */
  text?: string
}

/** Collects what a bug report needs into one text file, which is shown before it is saved. */
export default class SupportBundle extends CgpuCommand<SupportBundleResult> {
  static override description = 'Versions, checks, settings, plugins, runtimes and jobs as remembered, the last executions, debug logs, the log of the daemon and the files of the state folder, without secrets, code and output of programs. On a terminal it is shown, then you are asked; nothing is sent anywhere.'
  static override examples = [
    {command: '<%= config.bin %> support-bundle -o -', description: 'look at it'},
    {command: '<%= config.bin %> support-bundle --yes', description: 'save it in this folder, without asking'},
    {command: '<%= config.bin %> support-bundle -o report.txt --include-code --yes', description: 'with command lines and code'},
  ]
  // the flags of flags.ts come in one chunk with the commands that work on runtimes: `yes` from there would cost each of those a file
  static override flags = withEnv({
    'include-code': boolean({summary: 'also command lines and code of what was run'}),
    'output-file': string({char: 'o', summary: 'where to save it; - prints it', helpValue: 'FILE'}),
    yes: boolean({char: 'y', summary: 'do not ask'}),
  })
  static override seeAlso = ['debug log', 'doctor']
  static override standalone = true
  static override summary = 'collect what a bug report needs'

  protected override get leavesDebugLog(): boolean {
    return false
  }

  async run(): Promise<SupportBundleResult> {
    const {flags} = await this.parse(SupportBundle)
    const given = flags['output-file']
    const path = resolve(given ?? `cgpu-support-${new Date().toISOString().slice(0, 10)}.txt`)
    if (given !== '-') this.#refuse(path, flags.yes)
    const {text, sections} = await this.#collect(flags['include-code'])
    const bytes = Buffer.byteLength(text)
    if (given === '-') {
      this.log(text.trimEnd())
      return {path: null, bytes, sections, text}
    }
    if (!flags.yes) (this.jsonEnabled() ? process.stderr : process.stdout).write(text)
    await confirm(`save this to ${sanitizeLine(path)}?`, flags.yes)
    this.#refuse(path, flags.yes)
    await writeAtomic(path, text)
    this.notice(`saved to ${path} (${bytes} bytes): read it before you send it`)
    return {path, bytes, sections}
  }

  async #collect(code: boolean): ReturnType<typeof supportBundle> {
    const {configDir, dataDir, cacheDir, version, root} = this.config
    const dirs = resolveDirs(process.env, {configDir, dataDir, cacheDir})
    return supportBundle({dirs, env: process.env, cwd: process.cwd(), nodeVersion: process.versions.node, stdout: process.stdout, version, root, code})
  }

  /** Before anything is collected, and before it is written. */
  #refuse(path: string, yes: boolean): void {
    if (yes) return
    if (existsSync(path)) throw errors.cannotWrite(`${sanitizeLine(path)} exists`, {code: 'FILE_EXISTS', fix: 'choose another name with -o, or add --yes to replace it'})
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw errors.usage('a support bundle is shown before it is saved, and there is no terminal to show it on', {code: 'CONFIRMATION_NEEDED', fix: 'add --yes, or -o - to print it'})
    }
  }
}

import {string as stringArg} from '@oclif/core/args'
import {CgpuError, errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {shellLine} from '@cgpu/core/text/quote'
import {emptyHash, fetchForEdit, hashOf, writeBack} from '../../fs/edit.ts'
import {chooseEditor, runEditor} from '../../fs/editor.ts'
import {privateCopy} from '../../fs/private-copy.ts'
import {FilesCommand, filesRuntimeFlag} from '../../files-command.ts'

interface Edited {
  path: string
  changed: boolean
  /** of the file as it is there now */
  sha256: string | null
}

/** Edits a file of a runtime. */
export default class FsEdit extends FilesCommand<Edited> {
  static override args = {path: stringArg({description: 'NAME:PATH on a runtime; a file that is not there is made', required: true})}
  static override description = 'Opens a private copy in VISUAL, EDITOR, or an editor that is there. It is written back whole, and only if it was changed. When somebody else changed the file meanwhile, or it cannot be written, your copy is kept and its path is told.'
  static override examples = [{command: '<%= config.bin %> fs edit trainer:train.py', description: 'in your editor'}]
  static override flags = {...filesRuntimeFlag}
  static override seeAlso = ['fs cat', 'fs open', 'cp']
  static override summary = 'edit a file of a runtime'

  async run(): Promise<Edited> {
    const {args, flags} = await this.parse(FsEdit)
    const editor = chooseEditor()
    return this.withFiles(flags, [args.path], async (there) => {
      const [path = '.'] = there.paths
      const copy = await privateCopy(path)
      let keep = false
      try {
        const before = await fetchForEdit(there, path, copy.path)
        keep = true
        const status = await runEditor(editor, copy.path, {stdoutIsTaken: this.jsonEnabled(), signals: there.signals})
        const now = await hashOf(copy.path)
        const changed = now !== (before.sha256 ?? emptyHash)
        if (status !== 0) {
          keep = changed
          throw errors.usage(`the editor ended with status ${status}; nothing was written`, {code: 'EDITOR_FAILED', fix: 'check VISUAL and EDITOR, then edit again'})
        }
        if (changed) await writeBack(there, copy.path, before)
        keep = false
        this.notice(changed ? `wrote ${sanitizeLine(path)}` : 'nothing was changed')
        return {path, changed, sha256: changed ? now : (before.sha256 ?? null)}
      } catch (error) {
        if (!keep) throw error
        throw keptAt(copy.path, error, `${there.name}:${path}`)
      } finally {
        if (!keep) await copy.remove()
      }
    })
  }
}

/** The same error, with where the edited copy is. */
function keptAt(path: string, error: unknown, place: string): unknown {
  if (!(error instanceof CgpuError)) return error
  const {message, code, category, exit, retryable, details} = error
  const again = shellLine(['cgpu', 'cp', path, place])
  const fix = code === 'FILE_CHANGED' ? `your copy is ${path}; compare it with what is there now, or write it over that: ${again}` : `your copy is kept: ${again}`
  return new CgpuError(message, {code, category, exit, fix: sanitizeLine(fix, 1000), retryable, cause: error, details: {...details, copy: path}})
}

import {readFile, writeFile} from 'node:fs/promises'
import {errors} from '@cgpu/core/errors'
import {chooseEditor, runEditor} from '../fs/editor.ts'
import {privateCopy} from '../fs/private-copy.ts'

/** Has a person write code in their own editor, which needs the terminal. Throws EDITOR_MISSING (66), EDITOR_FAILED (64). */
export async function compose(before: string): Promise<string> {
  const editor = chooseEditor()
  const file = await privateCopy('cell.py')
  try {
    await writeFile(file.path, before, {mode: 0o600, flag: 'wx'})
    // signals are the conversation's: it ends when the editor was left
    const status = await runEditor(editor, file.path, {stdoutIsTaken: false, signals: {arm: () => undefined, dispose: () => undefined}})
    if (status !== 0) throw errors.usage(`the editor ended with status ${status}; nothing was run`, {code: 'EDITOR_FAILED', fix: 'check VISUAL and EDITOR'})
    return (await readFile(file.path, 'utf8').catch(() => '')).trimEnd()
  } finally {
    await file.remove()
  }
}

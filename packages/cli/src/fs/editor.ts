import {spawn} from 'node:child_process'
import {accessSync, constants} from 'node:fs'
import {delimiter, join} from 'node:path'
import {errors} from '@cgpu/core/errors'

/** What the person edits with: VISUAL, EDITOR, else what is there, which needs a terminal. Throws EDITOR_MISSING (66), NO_TERMINAL (64). */
export function chooseEditor(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['VISUAL'] || env['EDITOR']
  if (named) return named
  if (process.platform === 'win32') return 'notepad'
  const found = ['sensible-editor', 'nano', 'vim', 'vi'].find((name) => (env['PATH'] ?? '').split(delimiter).some((folder) => isProgram(join(folder, name))))
  if (!found) throw errors.notFound('there is no editor', {code: 'EDITOR_MISSING', category: 'usage', fix: 'name one: export EDITOR=nano'})
  if (process.stdin.isTTY) return found
  throw errors.usage('there is no terminal to edit on', {code: 'NO_TERMINAL', fix: 'name a program that needs none, such as EDITOR="sed -i s/a/b/"; or carry the file: cgpu cp'})
}

export interface EditorOptions {
  /** what the editor prints is no result of ours */
  stdoutIsTaken: boolean
  /** what the command does at signals: not while the editor has the terminal */
  signals: {arm(): void; dispose(): void}
}

/**
 * Edits a file until the editor is left; its exit status. Ctrl-C belongs to the editor meanwhile. The command may hold arguments,
 * such as `code --wait`: a shell splits it, as git and crontab have it done.
 */
export async function runEditor(editor: string, path: string, {stdoutIsTaken, signals}: EditorOptions): Promise<number> {
  const ignore = (): void => undefined
  process.on('SIGINT', ignore).on('SIGQUIT', ignore)
  signals.dispose()
  const stdio = ['inherit', stdoutIsTaken ? 2 : 'inherit', 'inherit'] as const
  try {
    const child = process.platform === 'win32'
      ? spawn(`${editor} "${path}"`, {shell: true, stdio: [...stdio]})
      // a trap, as what is ignored would be ignored by the editor too
      : spawn('/bin/sh', ['-c', `trap : INT QUIT; ${editor} "$1"`, 'cgpu', path], {stdio: [...stdio]})
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status, signal) => resolve(status ?? (signal === null ? 1 : 128)))
    })
  } finally {
    // a Ctrl-C that was the editor's may be told here only after its end
    await new Promise((resolve) => setImmediate(resolve))
    signals.arm()
    process.off('SIGINT', ignore).off('SIGQUIT', ignore)
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

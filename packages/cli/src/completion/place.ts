import {homedir} from 'node:os'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import type {Dirs} from '@cgpu/core/state/dirs'
import type {Shell} from './scripts.ts'

/** Where the script of a shell goes, and the file that has the shell read it; absent: the shell looks for scripts there by itself. */
export interface Place {
  script: string
  startup?: {path: string; line: string}
}

const extension: Record<Shell, string> = {bash: 'bash', zsh: 'zsh', fish: 'fish', powershell: 'ps1'}
const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`

/** Throws NO_SHELL (66) where it is PowerShell's and there is none to ask. */
export async function placeOf(shell: Shell, env: NodeJS.ProcessEnv, dirs: Dirs, platform: NodeJS.Platform = process.platform): Promise<Place> {
  const home = env['HOME'] || homedir()
  if (shell === 'fish') return {script: join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'fish', 'completions', 'cgpu.fish')}
  const script = join(dirs.state, 'completion', `cgpu.${extension[shell]}`)
  const line = `[ -r ${quoted(script)} ] && . ${quoted(script)}`
  if (shell === 'zsh') return {script, startup: {path: join(env['ZDOTDIR'] || home, '.zshrc'), line}}
  // a terminal of macOS starts a login shell, which reads no .bashrc
  if (shell === 'bash') return {script, startup: {path: join(home, platform === 'darwin' ? '.bash_profile' : '.bashrc'), line}}
  const file = script.replaceAll(/['\u2018-\u201b]/g, '$&$&')
  return {script, startup: {path: await powershellProfile(), line: `if (Test-Path -LiteralPath '${file}') { . '${file}' }`}}
}

/** Where it is depends on the version and on where Windows has the user's documents. */
async function powershellProfile(): Promise<string> {
  const {execFile} = await import('node:child_process')
  for (const program of ['pwsh', 'powershell']) {
    const said = await new Promise<string>((resolve) => {
      execFile(program, ['-NoProfile', '-NonInteractive', '-Command', '$PROFILE.CurrentUserAllHosts'], {timeout: 20_000, windowsHide: true}, (error, stdout) => resolve(error ? '' : stdout.trim()))
    })
    if (said !== '') return said
  }
  throw errors.notFound('no PowerShell was found that says where its profile is', {
    code: 'NO_SHELL', category: 'usage', fix: 'install PowerShell, or name another shell: cgpu completion install bash',
  })
}

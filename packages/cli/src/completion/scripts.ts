import {bash} from './scripts/bash.ts'
import {fish} from './scripts/fish.ts'
import {powershell} from './scripts/powershell.ts'
import {zsh} from './scripts/zsh.ts'

export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof shells)[number]

// `@{` stands for `${`, which a template would take for its own
const scripts: Record<Shell, string> = {bash: bash.replaceAll('@{', '${'), zsh: zsh.replaceAll('@{', '${'), fish, powershell}

/**
 * What a shell runs once. It knows nothing of the commands and asks `cgpu __complete` each time, so that it need not be made anew when
 * plugins come and go, or when cgpu is updated: newer ones answer it as long as the protocol of reply.ts stays.
 */
export const completionScript = (shell: Shell): string => scripts[shell]

/** The shell of whoever runs this, as far as the environment tells. */
export function shellOf(env: NodeJS.ProcessEnv): Shell | undefined {
  const name = /([^/\\]*?)(?:\.exe)?$/.exec(env['SHELL'] ?? '')?.[1]
  return shells.find((one) => one === name) ?? (name === 'pwsh' || (!name && process.platform === 'win32') ? 'powershell' : undefined)
}

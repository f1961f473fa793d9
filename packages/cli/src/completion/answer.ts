import {resolveDirs} from '@cgpu/core/state/dirs'
import {readCommands} from './commands.ts'
import {reply} from './reply.ts'
import {liveSources} from './sources.ts'

const fs = process.getBuiltinModule('node:fs')
const {fileURLToPath} = process.getBuiltinModule('node:url')

/**
 * Answers the script of a shell: `cgpu __complete SHELL …`. Never fails, and says nothing on stderr: it would stand in the line that
 * is being typed. Ends the process, as what was too slow may still hold a socket.
 */
export async function answer([shell = '', ...given]: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<never> {
  try {
    const dirs = resolveDirs(env)
    const root = fileURLToPath(new URL('../../../../', import.meta.url))
    const commands = await readCommands(root, dirs.data)
    write(await reply(shell, given, commands, liveSources({dirs, env, cwd: process.cwd(), root})))
  } catch {
    // no candidates
  }
  process.exit(0)
}

/** To stdout without process.stdout, whose set-up takes milliseconds. */
function write(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(1, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return // the shell is gone
    }
  }
}

import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {repoRoot} from './cli.ts'

type Example = string | {command: string}

/** The examples of the commands that are not hidden, as they are typed, in the manifest's order. `folder`: of a plugin that comes along. */
export function examples(folder = ''): string[] {
  // written by our own build, and compared with the code by another test
  const manifest = JSON.parse(readFileSync(join(repoRoot, folder, 'oclif.manifest.json'), 'utf8')) as {commands: Record<string, {hidden?: boolean; examples?: Example[]}>}
  return Object.values(manifest.commands)
    .filter((command) => !command.hidden)
    .flatMap((command) => command.examples ?? [])
    .map((example) => (typeof example === 'string' ? example : example.command).replaceAll('<%= config.bin %>', 'cgpu'))
}

/** Those whose test is `test/docs/auth-examples.test.ts`: they need an emulator to sign in at. */
export const isAuthExample = (line: string): boolean => line.startsWith('cgpu auth ')

/** Those whose test is `test/docs/colab-examples.test.ts`: they need a cloud's machine, an account, or several. */
export const isColabExample = (line: string): boolean => /^cgpu (drive|lab|usage|job move|runtime (adopt|url)|exec --secret)\b|--provider colab/.test(line)

/** Those whose test is `test/docs/plugins-examples.test.ts`: they need a registry. */
export const isPluginsExample = (line: string): boolean => line.startsWith('cgpu plugins ')

/** Those that go on until they are interrupted, where nobody else serves the runtime. */
export const staysOpen = (line: string): boolean => /^cgpu (code|jupyter proxy|port forward(?!.* --detach))\b/.test(line)

/**
 * Those that need an SSH server on the machine, somebody at a terminal, a project with hooks, or a standalone cgpu: `test/e2e/ssh.test.ts`,
 * `test/pty/shell.test.ts`, `test/e2e/project-hooks.test.ts` and `test/e2e/update.test.ts` have them.
 */
export const needsMore = (line: string): boolean => /^cgpu (ssh\b|shell trainer --session|config trust|update\b|version (list|use|install|remove)\b)/.test(line)

/** Those whose test is `test/e2e/notebook-drive.test.ts`: they need a Drive. */
export const isDriveExample = (line: string): boolean => /^cgpu (notebook|nb) (list|create|open|get|put|rename|copy|trash|restore|delete|share)\b/.test(line)

import {existsSync, readFileSync, realpathSync} from 'node:fs'
import {join, sep} from 'node:path'
import {sanitizeLine} from '@cgpu/core/text/line'

/** Who installed this cgpu, when it was not its own archive, and what to type to have it updated or a version of it. */
export interface Manager {
  name: string
  /** `version` as typed, or the name of a channel */
  command: (version: string) => string
}

/** npm's tags: what is stable is `latest` there. */
const tag = (version: string): string => (version === 'stable' ? 'latest' : version)

/** Told by where `root`, the folder of the CLI's package.json, is. Undefined: this is a standalone cgpu. */
export function managerOf(root: string, env: NodeJS.ProcessEnv = process.env): Manager | undefined {
  const folder = real(root).split(sep).join('/')
  // packagers of a distribution put it there, with one line: the command to type
  const own = textOf(join(root, 'managed-by'))
  if (own !== undefined) return {name: 'your system', command: () => sanitizeLine(own.trim(), 200)}
  if (/\/(Cellar|linuxbrew|homebrew)\//i.test(folder)) return {name: 'Homebrew', command: () => 'brew upgrade cgpu'}
  if (/\/_npx\//.test(folder)) return {name: 'npx', command: version => `npx @cgpu/cli@${tag(version)}`}
  if (/\/node_modules\//.test(`${folder}/`)) {
    if (/\/\.?pnpm(-global)?\//.test(folder) || env['npm_config_user_agent']?.startsWith('pnpm')) return {name: 'pnpm', command: version => `pnpm add -g @cgpu/cli@${tag(version)}`}
    if (/\/\.bun\//.test(folder)) return {name: 'bun', command: version => `bun add -g @cgpu/cli@${tag(version)}`}
    if (/\/\.?yarn\//i.test(folder)) return {name: 'yarn', command: version => `yarn global add @cgpu/cli@${tag(version)}`}
    return {name: 'npm', command: version => `npm install -g @cgpu/cli@${tag(version)}`}
  }
  if (existsSync(join(root, 'build.json'))) return undefined
  return {name: 'a clone of its repository', command: () => 'git pull && npm run build'}
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

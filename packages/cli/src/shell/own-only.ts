const fs = process.getBuiltinModule('node:fs')
const path = process.getBuiltinModule('node:path')

/** Plugins that the user installed or linked; a file that cannot be understood counts as some, so that it is reported. */
export function hasUserPlugins(dataDir: string): boolean {
  return holdsAny(path.join(dataDir, 'plugins.lock.json'), (lock) => (lock as {plugins?: unknown} | null)?.plugins) // any of it may be missing
    || holdsAny(path.join(dataDir, 'package.json'), (pjson) => (pjson as {oclif?: {plugins?: unknown}} | null)?.oclif?.plugins) // oclif's own list
}

function holdsAny(file: string, read: (content: unknown) => unknown): boolean {
  try {
    const plugins = read(JSON.parse(fs.readFileSync(file, 'utf8')))
    return typeof plugins !== 'object' || plugins === null || Object.keys(plugins).length > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT' // fs errors carry a code; JSON's do not
  }
}

/** Whether somebody wants oclif itself, or looks into it. */
export const wantsOclif = (env: NodeJS.ProcessEnv): boolean =>
  Boolean(env['CGPU_NO_FASTPATH'] || env['DEBUG']) || ['development', 'test'].includes(env['NODE_ENV'] ?? '')

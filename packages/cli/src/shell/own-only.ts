const fs = process.getBuiltinModule('node:fs')
const path = process.getBuiltinModule('node:path')

/** Plugins that the user installed or linked; a file that cannot be understood counts as some, so that oclif reports it. */
export function hasUserPlugins(dataDir: string): boolean {
  try {
    const pjson: unknown = JSON.parse(fs.readFileSync(path.join(dataDir, 'package.json'), 'utf8'))
    const plugins = (pjson as {oclif?: {plugins?: unknown}} | null)?.oclif?.plugins // any of it may be missing
    return !Array.isArray(plugins) || plugins.length > 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT' // fs errors carry a code; JSON's do not
  }
}

/** Whether somebody wants oclif itself, or looks into it. */
export const wantsOclif = (env: NodeJS.ProcessEnv): boolean =>
  Boolean(env['CGPU_NO_FASTPATH'] || env['CGPU_BINPATH'] || env['DEBUG']) || ['development', 'test'].includes(env['NODE_ENV'] ?? '')

// Asked by `cgpu exec` by the daemon too, which may take nothing along: built-ins are got without an import of all that they export.
const fs = process.getBuiltinModule('node:fs')
const path = process.getBuiltinModule('node:path')

export const projectFileName = 'cgpu.yaml'
const maxBytes = 2 ** 20

/**
 * The nearest `cgpu.yaml`: from `cwd` up to the root of its git repository, else up to the home folder. Outside of
 * both only `cwd` itself counts: a file that someone left in /tmp must not set anything for a folder below it.
 */
export function findProjectFile(cwd: string, home: string): string | undefined {
  const folders = ancestors(real(cwd))
  const git = folders.findIndex(folder => fs.existsSync(path.join(folder, '.git')))
  const top = real(home)
  const end = git !== -1 ? git : folders.indexOf(top)
  for (const folder of folders.slice(0, Math.max(end, 0) + 1)) {
    const file = path.join(folder, projectFileName)
    if (fs.existsSync(file)) return file
  }
  return undefined
}

/** Whether it may declare hooks. True where it cannot be read: whoever reads it whole will say why. */
export function mayDeclareHooks(projectFile: string): boolean {
  try {
    const file = fs.openSync(projectFile, 'r')
    try {
      const bytes = new Uint8Array(maxBytes)
      return Buffer.from(bytes.buffer, 0, fs.readSync(file, bytes)).includes('hooks')
    } finally {
      fs.closeSync(file)
    }
  } catch {
    return true
  }
}

function ancestors(folder: string): string[] {
  const found = [folder]
  for (let last = folder; path.dirname(last) !== last; last = path.dirname(last)) found.push(path.dirname(last))
  return found
}

function real(folder: string): string {
  try {
    return fs.realpathSync(folder)
  } catch {
    return folder.endsWith(path.sep) && folder.length > 1 ? folder.slice(0, -1) : folder
  }
}

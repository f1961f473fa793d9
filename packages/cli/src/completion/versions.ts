import {existsSync, readdirSync} from 'node:fs'
import {dirname, join} from 'node:path'
import type {Candidate} from './types.ts'

/**
 * Versions that lie beside the one at `root`, of a standalone cgpu: by number, or by id where several builds have one number. Read
 * without @cgpu/updater, which takes longer to load than there is time.
 */
export function installedVersions(root: string): Candidate[] {
  const folder = root.replace(/[\\/]+$/, '')
  if (!existsSync(join(folder, 'build.json'))) return []
  const ids = readdirSync(dirname(folder)).filter((id) => /^\d+\.[^/]*-[0-9a-f]{8}$/.test(id))
  const numbers = ids.map((id) => id.slice(0, -9))
  return ids.map((id, i) => ({value: numbers.filter((one) => one === numbers[i]).length > 1 ? id : numbers[i]!}))
}

import type {Installation} from './installation.ts'

/** Versions stay this long after they came: a job of days may still run by one. */
const keptMs = 30 * 24 * 3600 * 1000

/**
 * Removes versions that came by updates a month ago or longer, but for the one in use, the two that were used before it, and the one
 * that runs just now.
 */
export async function tidy(installation: Installation, now = Date.now()): Promise<string[]> {
  const {history, kept} = await installation.state.read()
  const recent = new Set([...new Set(history.toReversed())].slice(0, 3))
  const removed: string[] = []
  for (const {id, state, createdAt} of await installation.list()) {
    if (state === 'current' || id === installation.runningId || recent.has(id) || kept.includes(id) || now - Date.parse(createdAt) < keptMs) continue
    await installation.remove(id)
    removed.push(id)
  }
  return removed
}

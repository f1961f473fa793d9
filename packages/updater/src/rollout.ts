import {createHash} from 'node:crypto'

/**
 * Whether a release that has reached `percent` of all installations has reached this one. The same installation gets the same answer
 * for a version each time, stays reached when the part grows, and is not always among the first.
 */
export function isDue(installation: string, version: string, percent: number): boolean {
  const draw = createHash('sha256').update(`${installation}\n${version}`).digest().readUInt32BE(0)
  return (draw / 2 ** 32) * 100 < percent
}

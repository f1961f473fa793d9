import type {Channel} from './documents.ts'

const pattern = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,80}))?$/

/** Whether it is a semantic version without build metadata: `1.2.3`, `1.3.0-beta.2`. */
export const isVersion = (text: string): boolean => pattern.test(text)

/** Semantic versions by precedence: negative when `a` comes before `b`. What is no version comes before all that are. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [pattern.exec(a), pattern.exec(b)]
  if (!left || !right) return Number(left !== null) - Number(right !== null)
  for (let part = 1; part <= 3; part++) {
    const difference = Number(left[part]) - Number(right[part])
    if (difference !== 0) return difference
  }
  return comparePrerelease(left[4], right[4])
}

/** A release comes after its previews; numbers by value and before words. */
function comparePrerelease(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  const [left, right] = [a.split('.'), b.split('.')]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [one, other] = [left[i], right[i]]
    if (one === undefined || other === undefined) return Number(one !== undefined) - Number(other !== undefined)
    if (one === other) continue
    const [isNumber, otherIs] = [/^\d+$/.test(one), /^\d+$/.test(other)]
    if (isNumber && otherIs) return Number(one) - Number(other)
    if (isNumber !== otherIs) return isNumber ? -1 : 1
    return one < other ? -1 : 1
  }
  return 0
}

/** The channel that a version is made for, told by its name: `1.3.0-nightly.20261129` is a nightly. */
export function channelOf(version: string): Channel {
  const preview = pattern.exec(version)?.[4]
  return preview === undefined ? 'stable' : preview.startsWith('nightly') ? 'nightly' : 'beta'
}

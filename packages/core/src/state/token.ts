/**
 * 16 hex digits to tell temp files and locks apart. Not a secret, so it does without node:crypto, whose loading
 * every command would pay for.
 */
export function uniqueTag(): string {
  const half = (): string => Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0')
  return half() + half()
}

const fs = process.getBuiltinModule('node:fs')

/**
 * So many random bytes, as good as node:crypto's: from the system's own generator. Loading node:crypto takes 5 ms, which is more than
 * `cgpu exec` by the daemon takes for all that it does itself.
 */
export function randomBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  try {
    const random = fs.openSync('/dev/urandom', 'r')
    try {
      if (fs.readSync(random, bytes, 0, size, null) === size) return bytes
    } finally {
      fs.closeSync(random)
    }
  } catch {
    // Windows has none
  }
  return process.getBuiltinModule('node:crypto').randomBytes(size)
}

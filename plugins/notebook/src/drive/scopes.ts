const scope = (name: string): string => `https://www.googleapis.com/auth/${name}`

/** Every file of the account. */
export const whole = scope('drive')
/** Files that cgpu made, or that were opened with it. */
export const ownFiles = scope('drive.file')
const readOnly = scope('drive.readonly')

/** What each use can do with; the first is what is asked for where none was allowed. */
export const scopesFor = {
  read: [whole, readOnly, ownFiles],
  write: [whole, ownFiles],
  make: [ownFiles, whole],
} as const

/** Whether files that others made, or that were made in the browser, stay hidden. */
export const seesOwnFilesOnly = (granted: readonly string[]): boolean => granted.includes(ownFiles) && !granted.includes(whole) && !granted.includes(readOnly)

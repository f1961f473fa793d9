/** OAuth scopes that cgpu asks for. Facts: shared protocol notes, section 2.1. */
export const scopes = {
  openid: 'openid',
  email: 'https://www.googleapis.com/auth/userinfo.email',
  profile: 'https://www.googleapis.com/auth/userinfo.profile',
  colab: 'https://www.googleapis.com/auth/colaboratory',
  /** files that cgpu made, or that were opened with it */
  driveFile: 'https://www.googleapis.com/auth/drive.file',
  driveReadonly: 'https://www.googleapis.com/auth/drive.readonly',
  drive: 'https://www.googleapis.com/auth/drive',
  /** Application Default Credentials ask for it */
  cloudPlatform: 'https://www.googleapis.com/auth/cloud-platform',
} as const

/** What the first sign-in asks for. */
export const baseScopes: readonly string[] = [scopes.openid, scopes.email, scopes.profile, scopes.colab]

const aliases: Record<string, string> = {email: scopes.email, profile: scopes.profile}

/** Whether what was granted covers `wanted`; short and long spellings are the same, and a wider Drive scope covers a narrower one. */
export function covers(granted: readonly string[], wanted: string): boolean {
  const has = new Set(granted.map((one) => aliases[one] ?? one))
  const name = aliases[wanted] ?? wanted
  if (has.has(name)) return true
  return (name === scopes.driveFile || name === scopes.driveReadonly) && has.has(scopes.drive)
}

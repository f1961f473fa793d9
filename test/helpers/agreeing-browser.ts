import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const program = fileURLToPath(new URL('agreeing-browser-main.ts', import.meta.url))

/** Writes a browser for BROWSER into the folder, whose person agrees to everything on the emulator's pages. Its path. */
export async function agreeingBrowser(folder: string, email = 'me@example.com'): Promise<string> {
  const path = join(folder, 'agreeing-browser.sh')
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' ${email} "$1"\n`, {mode: 0o755})
  return path
}

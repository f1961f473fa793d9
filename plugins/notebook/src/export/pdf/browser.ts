import {accessSync, constants, readdirSync, statSync} from 'node:fs'
import {homedir} from 'node:os'
import {delimiter, join} from 'node:path'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge', 'microsoft-edge-stable', 'brave-browser', 'chrome-headless-shell']

/** The path of an installed Chromium, Chrome or Edge: CGPU_CHROMIUM, else on PATH, where systems install them, or where Puppeteer and Playwright keep theirs. Throws NO_BROWSER (66). */
export function findBrowser(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const given = env['CGPU_CHROMIUM']
  if (given) {
    if (isProgram(given)) return given
    throw errors.notFound(`CGPU_CHROMIUM is ${sanitizeLine(given, 200)}, and there is no such program`, {code: 'NO_BROWSER', category: 'file', fix: 'set it to the path of Chromium, Chrome or Edge'})
  }
  for (const path of candidates(env, platform)) if (isProgram(path)) return path
  const fix = platform === 'darwin' ? 'brew install --cask chromium' : platform === 'win32' ? 'winget install Google.Chrome' : 'install Chromium (Debian: apt-get install chromium), or set CGPU_CHROMIUM to the path of a Chrome or Edge'
  throw errors.notFound('a PDF is printed by Chromium, Chrome or Edge, and none was found', {code: 'NO_BROWSER', category: 'file', fix})
}

function* candidates(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Generator<string> {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir()
  const ending = platform === 'win32' ? '.exe' : ''
  for (const folder of (env['PATH'] ?? '').split(delimiter)) if (folder !== '') for (const name of programs) yield join(folder, name + ending)
  if (platform === 'darwin') {
    for (const root of ['/Applications', join(home, 'Applications')]) for (const name of ['Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser']) yield join(root, `${name}.app`, 'Contents', 'MacOS', name)
  } else if (platform === 'win32') {
    for (const root of [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']]) {
      if (root) for (const name of ['Google\\Chrome\\Application\\chrome.exe', 'Chromium\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe']) yield join(root, name)
    }
  } else yield* ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome'].flatMap((folder) => programs.map((name) => join(folder, name)))
  const cache = platform === 'darwin' ? join(home, 'Library', 'Caches') : platform === 'win32' ? (env['LOCALAPPDATA'] ?? home) : (env['XDG_CACHE_HOME'] ?? join(home, '.cache'))
  yield* below(env['PUPPETEER_CACHE_DIR'] ?? join(home, '.cache', 'puppeteer'), 4, platform)
  yield* below(env['PLAYWRIGHT_BROWSERS_PATH'] ?? join(cache, 'ms-playwright'), 3, platform)
}

/** Programs of these names in folders below, the newest versions first. */
function* below(folder: string, depth: number, platform: NodeJS.Platform): Generator<string> {
  const names = platform === 'darwin' ? ['Chromium', 'Google Chrome for Testing', 'chrome-headless-shell'] : ['chrome', 'chrome-headless-shell', 'headless_shell'].map((name) => (platform === 'win32' ? `${name}.exe` : name))
  let entries
  try {
    entries = readdirSync(folder, {withFileTypes: true})
  } catch {
    return // there is none
  }
  entries.sort((a, b) => b.name.localeCompare(a.name, undefined, {numeric: true}))
  for (const entry of entries) {
    if (entry.isDirectory() && depth > 0 && (depth > 2 || /chrom|mac|win|linux|Contents|MacOS/i.test(entry.name))) yield* below(join(folder, entry.name), entry.name.endsWith('.app') || entry.name === 'Contents' ? 2 : depth - 1, platform)
    else if (names.includes(entry.name)) yield join(folder, entry.name)
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

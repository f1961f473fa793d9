import {readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type Browser, chromium, type Page} from 'playwright-core'
import {until} from './workbench.ts'

/** The last list of features counts, so Playwright's is here again, as far as it is about what a page loads or is asked of Google. */
const withoutFeatures = [
  'HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable', 'ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect', 'MediaRouter', 'OptimizationHints',
  'NetworkTimeServiceQuerying', 'PreconnectToSearch', 'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'PaintHolding', 'LensOverlay', 'AimEnabled',
  // the list under the address bar is a page of its own, which took half of all that a browser took to show one page
  'WebUIOmniboxPopup', 'WebUIOmniboxAimPopup',
]

/** A real browser without a window. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CGPU_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      `--disable-features=${withoutFeatures.join(',')}`,
    ],
  })
}

/** A page of its own profile, closed afterwards. Fails when the page reached for anything but loopback. */
export async function withPage<T>(browser: Browser, use: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext()
  const strange: string[] = []
  context.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') strange.push(request.url())
  })
  try {
    const result = await use(await context.newPage())
    if (strange.length > 0) throw new Error(`the page asked for ${strange.join(', ')}`)
    return result
  } finally {
    await context.close()
  }
}

/** A program for BROWSER that hands the address over instead of showing it. */
export interface BrowserScript {
  env: {BROWSER: string}
  /** the address that was to be opened, once */
  url(): Promise<string>
}

export async function browserScript(folder: string): Promise<BrowserScript> {
  const script = join(folder, 'browser.sh')
  const given = join(folder, 'browser.url')
  await writeFile(script, `#!/bin/sh\nprintf '%s' "$1" > '${given}.new' && mv '${given}.new' '${given}'\n`, {mode: 0o755})
  return {
    env: {BROWSER: script},
    async url() {
      let url = ''
      await until(async () => (url = await readFile(given, 'utf8').catch(() => '')) !== '', () => 'no address was to be opened')
      await rm(given)
      return url
    },
  }
}

/** Goes through Google's pages (the emulator's) as a person does. `unticked`: what is not allowed, by a part of its text. */
export async function consent(page: Page, url: string, {email, decision = 'Allow', unticked}: {email: string; decision?: 'Allow' | 'Deny'; unticked?: RegExp}): Promise<void> {
  await page.goto(url)
  const choice = page.getByRole('link', {name: email})
  if (await choice.count() > 0) await choice.click()
  if (unticked) await page.getByLabel(unticked).uncheck()
  await page.getByRole('button', {name: decision}).click()
}

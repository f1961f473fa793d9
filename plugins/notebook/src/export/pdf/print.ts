import {spawn} from 'node:child_process'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Notebook} from '../../format/model.ts'
import type {ExportOptions} from '../exporter.ts'
import {htmlPage} from '../html/page.ts'
import {findBrowser} from './browser.ts'

/** A notebook of hundreds of pages takes seconds. */
const limitMs = 120_000

/** The notebook as a PDF, printed by an installed browser. Throws NO_BROWSER (66), BROWSER_FAILED (69), INTERRUPTED (130). */
export async function pdf(notebook: Notebook, options: ExportOptions): Promise<Uint8Array> {
  const browser = findBrowser()
  const folder = await mkdtemp(join(tmpdir(), 'cgpu-pdf-'))
  try {
    const [page, result] = [join(folder, 'page.html'), join(folder, 'page.pdf')]
    await writeFile(page, await htmlPage(notebook, {...options, print: true}), {mode: 0o600})
    const said = await print(browser, {page, result, profile: join(folder, 'profile'), trust: options.trust})
    return await readFile(result).catch(() => {
      throw failed('printed nothing', said)
    })
  } finally {
    // a browser that was killed may write its profile a moment longer
    await rm(folder, {recursive: true, force: true, maxRetries: 10, retryDelay: 100})
  }
}

interface Printing {
  page: string
  result: string
  profile: string
  trust: boolean
}

/** What the browser said. Its own sandbox stays on, except for root, for whom it refuses to start with it. */
async function print(browser: string, {page, result, profile, trust}: Printing): Promise<string> {
  const root = process.getuid?.() === 0
  const child = spawn(browser, [
    '--headless', ...(root ? ['--no-sandbox'] : []), '--disable-gpu', '--no-first-run', '--no-default-browser-check', '--disable-extensions', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-dev-shm-usage', `--user-data-dir=${profile}`, ...(trust ? ['--virtual-time-budget=10000'] : []), '--no-pdf-header-footer', `--print-to-pdf=${result}`, pathToFileURL(page).href,
  ], {stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true})
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4000)))
  let ended: 'late' | 'interrupted' | undefined
  const stop = (why: 'late' | 'interrupted') => () => {
    ended ??= why
    child.kill('SIGKILL')
  }
  const timer = setTimeout(stop('late'), limitMs)
  const interrupt = stop('interrupted')
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, interrupt)
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (ended === 'interrupted') throw errors.interrupted('the export was interrupted', {code: 'INTERRUPTED'})
    if (ended === 'late') throw failed(`did not finish within ${limitMs / 1000} s`, said)
    if (status !== 0) throw failed(`ended with ${status ?? 'a signal'}`, said)
    return said
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? failed('could not be started', error.message) : error
  } finally {
    clearTimeout(timer)
    for (const signal of signals) process.off(signal, interrupt)
  }
}

function failed(what: string, said: string) {
  const last = said.trim().split('\n').at(-1) ?? ''
  return errors.network(`the browser ${what}${last === '' ? '' : `: ${sanitizeLine(last, 200)}`}`, {code: 'BROWSER_FAILED', fix: 'export it to html and print that, or set CGPU_CHROMIUM to another browser'})
}

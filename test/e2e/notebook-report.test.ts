import assert from 'node:assert/strict'
import type {Browser, Page} from 'playwright-core'
import {htmlPage} from '../../plugins/notebook/src/batch/html/page.ts'
import {batchResult} from '../../plugins/notebook/src/batch/result.ts'
import {startBrowser, withPage} from '../helpers/browser.ts'
import {someOutcomes} from '../helpers/notebook-outcomes.ts'

describe('the HTML report of a batch', () => {
  let browser: Browser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser?.close())

  it('is readable in a browser, light and dark, wide and narrow, and does nothing', async () => {
    const {outcomes, first} = someOutcomes()
    const html = [...htmlPage({outcomes, result: batchResult({outcomes, first, signalStatus: undefined, durationSeconds: 75}), at: new Date(0), path: 'index.html'})].join('')
    await withPage(browser, async (page) => {
      const problems: string[] = []
      page.on('console', (message) => problems.push(message.text()))
      page.on('dialog', (dialog) => {
        problems.push(dialog.message())
        void dialog.dismiss()
      })
      await page.setContent(html)
      assert.equal(await page.title(), '1 of 5 notebook runs ok')
      const rows = await page.locator('tbody').first().locator('tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)))
      assert.deepEqual(rows.map((row) => row.slice(0, 5)), [
        ['1', 'a.ipynb', '', 'ok', '1/2'], ['2', 'b.ipynb', 'lr=<2>', 'failed', '1/3'], ['3', 'c.ipynb', '', 'failed', ''], ['4', 'd.ipynb', '', 'skipped', ''], ['5', 'e.ipynb', '', 'not run', ''],
      ])
      // what failed is open, what went well folded
      assert.deepEqual(await page.locator('details').evaluateAll((all) => all.map((one) => one.hasAttribute('open'))), [false, true])
      assert.ok(await page.getByText('<script>alert(1)</script>').first().isVisible())
      const looks: Buffer[] = []
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({colorScheme})
        looks.push(await page.screenshot({fullPage: true}))
        // WCAG AA for text, of every status
        for (const look of ['ok', 'bad', 'idle', 'dim']) assert.ok((await contrast(page, `.${look}`)) >= 4.5, `${colorScheme} ${look}`)
      }
      assert.ok(looks.every((look) => look.length > 10_000) && !looks[0]?.equals(looks[1] as Buffer), 'nothing is drawn, or both alike') // two of them
      await page.setViewportSize({width: 360, height: 640})
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
      assert.deepEqual(problems, [])
    })
  })
})

/** Of the first such element's text to the page, as WCAG counts it. */
async function contrast(page: Page, selector: string): Promise<number> {
  const [text, ground] = await page.evaluate<string[]>(`[getComputedStyle(document.querySelector('${selector}')).color, getComputedStyle(document.body).backgroundColor]`)
  const luminance = (colour = ''): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map(Number).map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [a, b] = [luminance(text), luminance(ground)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

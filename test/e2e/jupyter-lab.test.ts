import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import type {Browser} from 'playwright-core'
import {startBrowser, withPage} from '../helpers/browser.ts'
import {repoRoot} from '../helpers/cli.ts'
import {type ProxyBed, startProxyBed} from '../helpers/proxy-bed.ts'

const notebook = {
  cells: [{cell_type: 'code', execution_count: null, id: 'one', metadata: {}, outputs: [], source: "import os\nprint(6 * 7, os.environ['CGPU_MARK'])"}],
  metadata: {kernelspec: {display_name: 'Python 3', language: 'python', name: 'python3'}}, nbformat: 4, nbformat_minor: 5,
}

describe('JupyterLab through a proxy', function () {
  this.timeout(40_000)
  let bed: ProxyBed
  let browser: Browser
  before(async function () {
    this.timeout(400_000) // once: JupyterLab is installed
    const {stdout} = await promisify(execFile)(process.execPath, [join(repoRoot, 'scripts', 'test-python.mjs'), 'lab'])
    bed = await startProxyBed({python: stdout.trim(), baseUrl: '/user/me/', env: {CGPU_MARK: 'over there'}})
    await writeFile(join(bed.jupyter.root, 'book.ipynb'), JSON.stringify(notebook))
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await bed?.stop()
  })

  it('opens a notebook in a browser and runs a cell, and the runtime’s token stays behind', async () => {
    const {proxy, jupyter} = bed
    await withPage(browser, async (page) => {
      const problems: string[] = []
      const heard: string[] = []
      page.on('response', (response) => {
        if (response.status() >= 500 || response.status() === 401) problems.push(`${response.status()} ${response.url()}`)
      })
      page.on('websocket', (socket) => heard.push(new URL(socket.url()).pathname))
      await page.goto(`${proxy.url}lab/tree/book.ipynb?token=${proxy.token}`)
      assert.equal(page.url(), `${proxy.url}lab/tree/book.ipynb`)
      await page.locator('.jp-CodeCell .cm-content').first().click({timeout: 30_000})
      await page.getByText('Python 3').first().waitFor()
      await page.keyboard.press('Shift+Enter')
      await page.locator('.jp-OutputArea-output', {hasText: '42 over there'}).waitFor({timeout: 20_000})
      assert.ok(heard.some((path) => /^\/user\/me\/api\/kernels\/[^/]+\/channels$/.test(path)), heard.join())
      const config = JSON.parse((await page.locator('#jupyter-config-data').textContent()) ?? '') as {token: string}
      assert.equal(config.token, proxy.token)
      assert.ok(!(await page.content()).includes(jupyter.token))
      const cookies = await page.context().cookies()
      assert.deepEqual(cookies.map(({name}) => name).sort(), ['_xsrf', `cgpu-jupyter-${proxy.port}`])
      assert.deepEqual(problems, [])
    })
  })
})

import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import type {Browser} from 'playwright-core'
import {browserScript, startBrowser, withPage} from '../helpers/browser.ts'
import {cgpu, repoRoot} from '../helpers/cli.ts'
import {type ProxyBed, startProxyBed} from '../helpers/proxy-bed.ts'

const notebook = {
  cells: [{cell_type: 'code', execution_count: null, id: 'one', metadata: {}, outputs: [], source: "import os\nprint(6 * 7, os.environ['CGPU_MARK'])"}],
  metadata: {kernelspec: {display_name: 'Python 3', language: 'python', name: 'python3'}}, nbformat: 4, nbformat_minor: 5,
}

describe('JupyterLab through a proxy', function () {
  this.timeout(120_000)
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

  it('is what cgpu lab opens, without a token that other users of this machine could read off a command line', async () => {
    const script = await browserScript(bed.home.path)
    const shown = await cgpu(['lab', 'bed'], {home: bed.home, env: script.env})
    assert.deepEqual([shown.status, shown.stdout, shown.stderr], [0, `${bed.proxy.url}lab?token=${bed.proxy.token}\n`, ''])
    const opened = fileURLToPath(await script.url())
    assert.equal(opened.includes(bed.proxy.token), false)
    assert.equal((await stat(opened)).mode & 0o777, 0o600)
    assert.match(await readFile(opened, 'utf8'), new RegExp(`content="0;url=${bed.proxy.url}lab\\?token=${bed.proxy.token}"`))
    const page = await browser.newPage()
    await page.goto(pathToFileURL(opened).href)
    // a file is another site: its link counts all the same; JupyterLab may add what was open there
    await page.waitForURL(({href, search}) => href.startsWith(`${bed.proxy.url}lab`) && !search.includes('token'), {waitUntil: 'commit'})
    await page.locator('#jupyter-config-data').waitFor({state: 'attached'})
    await page.close()
  })
})

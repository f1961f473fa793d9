import assert from 'node:assert/strict'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {Browser, Page, Request} from 'playwright-core'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {startBrowser} from '../helpers/browser.ts'
import {examples} from '../helpers/examples.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC'
const display = (data: object, metadata: object = {}) => ({output_type: 'display_data', data, metadata})
const code = (id: string, source: string, ...outputs: object[]) => ({cell_type: 'code', id, metadata: {}, source, outputs, execution_count: 1})
const attack = (n: number) => `<script>window.top.ran=${n}</script><img src="x" onerror="window.top.ran=${n + 1}"><svg onload="window.top.ran=${n + 2}"></svg><iframe srcdoc="<script>top.ran=${n + 3}</script>"></iframe><meta http-equiv="refresh" content="0;url=gone">`
const notebook = JSON.stringify({
  cells: [
    {cell_type: 'markdown', id: 'intro', metadata: {}, source: `# The *title*\n\nText $\\frac{1}{2}$ and ![a](attachment:a.png).\n\n${attack(10)}`, attachments: {'a.png': {'image/png': png}}},
    code('code', 'import os  # comment\nprint("text", 42)', {output_type: 'stream', name: 'stdout', text: '\u001b[31mred\u001b[0m\n'}, {output_type: 'stream', name: 'stderr', text: 'oh\n'}),
    code('frame', 'styled', display({'text/html': `<style>td{color:rgb(1, 2, 3)}</style><table><tr><td>cell</td></tr></table><div style="height:900px"></div>${attack(20)}`})),
    code('table', 'df', display({'text/html': `<table class="dataframe"><tr><td onclick="top.ran=30">1</td></tr></table><a href="javascript:top.ran=31">go</a>`, 'text/plain': '1'})),
    code('image', 'plot', display({'image/png': png, 'text/plain': '<Figure>'}, {'image/png': {width: 64, height: 48}}), display({'image/svg+xml': '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20" onload="top.ran=40"><script>top.ran=41</script><rect width="30" height="20"/></svg>'})),
    code('error', '1/0', {output_type: 'error', ename: 'ZeroDivisionError', evalue: 'division', traceback: ['\u001b[31mZeroDivisionError\u001b[39m: division']}),
  ],
  metadata: {kernelspec: {name: 'python3', display_name: 'Python 3', language: 'python'}}, nbformat: 4, nbformat_minor: 5,
})

const styleOf = (page: Page, selector: string, name: string): Promise<string> => page.locator(selector).first().evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), name)

describe('cgpu notebook export', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    bench.home.env['CGPU_CHROMIUM'] = process.env['CGPU_TEST_CHROMIUM'] ?? '/usr/bin/chromium'
    await bench.file('analysis.ipynb', notebook)
  })
  after(() => bench.remove())
  const exported = async (...args: string[]): Promise<string> => {
    const {status, stdout, stderr} = await bench.cli(['notebook', 'export', ...args])
    assert.deepEqual([status, stderr], [0, ''])
    return stdout
  }
  const read = (name: string): string => readFileSync(join(bench.home.cwd, name), 'utf8')

  describe('in a browser', () => {
    let browser: Browser
    before(async () => {
      browser = await startBrowser()
    })
    after(() => browser?.close())

    it('is a page that shows all of it, light and dark, asks for nothing and runs nothing of it', async function () {
      this.timeout(60_000)
      assert.equal(await exported('analysis.ipynb', '--toc'), 'analysis.html\n')
      const page = await browser.newPage({viewport: {width: 1000, height: 800}})
      const asked: Request[] = []
      page.on('request', (request) => asked.push(request))
      const url = pathToFileURL(join(bench.home.cwd, 'analysis.html')).href
      await page.goto(url)
      assert.equal(await page.title(), 'The title')
      const plain = await styleOf(page, 'body', 'color')
      for (const token of ['.hljs-keyword', '.hljs-string', '.hljs-number', '.hljs-comment', '.ansi-red-fg']) assert.notEqual(await styleOf(page, token, 'color'), plain, token)
      assert.deepEqual(await page.locator('img').evaluateAll((all) => all.map((one) => [(one as HTMLImageElement).naturalWidth, (one as HTMLImageElement).width])), [[8, 8], [8, 64], [30, 30]])
      assert.ok(((await page.locator('math mfrac').first().boundingBox())?.height ?? 0) > 15, 'a fraction is higher than a line')
      const frame = page.locator('iframe')
      await frame.scrollIntoViewIfNeeded()
      // as high as what is in it, which has its own style and no scripts
      await page.waitForFunction(() => (document.querySelector('iframe')?.clientHeight ?? 0) > 900)
      assert.equal(await page.frameLocator('iframe').first().locator('td').evaluate((cell) => getComputedStyle(cell).color), 'rgb(1, 2, 3)')
      await page.getByText('go', {exact: true}).click()
      await page.locator('.dataframe td').click()
      assert.equal(await page.evaluate('window.ran'), undefined)
      await page.getByRole('link', {name: 'The title'}).click()
      assert.equal(new URL(page.url()).hash, '#The-title')
      const looks: unknown[] = []
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({colorScheme})
        looks.push([await styleOf(page, 'body', 'background-color'), await styleOf(page, '.hljs-keyword', 'color')])
      }
      assert.deepEqual(looks, [['rgb(255, 255, 255)', 'rgb(207, 34, 46)'], ['rgb(13, 17, 23)', 'rgb(255, 123, 114)']])
      await page.setViewportSize({width: 360, height: 640})
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
      // what its frame asks for is refused before it leaves the page
      const strange = asked.filter((one) => one.url().split('#')[0] !== url && one.failure()?.errorText !== 'csp')
      assert.deepEqual(strange.map((one) => [one.url(), one.failure()?.errorText]), [])
      await page.close()
    })

    it('runs what it holds only with --trust-html', async () => {
      await bench.file('plot.ipynb', JSON.stringify({...(JSON.parse(notebook) as object), cells: [code('plot', '', display({'text/html': '<script>window.ran = 1</script>'}))]}))
      await exported('plot.ipynb', '--trust-html', '-o', 'trusted.html')
      const page = await browser.newPage()
      await page.goto(pathToFileURL(join(bench.home.cwd, 'trusted.html')).href)
      assert.equal(await page.evaluate('window.ran'), 1)
      await page.close()
    })
  })

  it('prints a PDF with an installed browser, and leaves nothing behind', async function () {
    this.timeout(90_000)
    const temp = join(bench.home.path, 'temp')
    await bench.file('../temp/.keep', '')
    const done = await bench.cli(['notebook', 'export', 'analysis.ipynb', '-o', 'a.pdf'], {env: {TMPDIR: temp}})
    assert.deepEqual([done.status, done.stdout], [0, 'a.pdf\n'], done.stderr)
    const pdf = readFileSync(join(bench.home.cwd, 'a.pdf'), 'latin1')
    assert.match(pdf, /^%PDF-1\./)
    assert.ok(pdf.length > 10_000 && /\/Type \/Page\b/.test(pdf))
    assert.deepEqual(readdirSync(temp).filter((name) => name.startsWith('cgpu-pdf')), [])
    const none = await bench.cli(['notebook', 'export', 'analysis.ipynb', '--to', 'pdf'], {env: {CGPU_CHROMIUM: '/nowhere/chromium'}})
    assertRefused(none, 66)
    await bench.file('broken-browser', '#!/bin/sh\necho cannot start >&2\nexit 3\n', 0o755)
    const broken = await bench.cli(['notebook', 'export', 'analysis.ipynb', '--to', 'pdf'], {env: {CGPU_CHROMIUM: join(bench.home.cwd, 'broken-browser')}})
    assertRefused(broken, 69)
    assert.match(broken.stderr, /the browser ended with 3: cannot start\nfix: /)
  })

  it('goes to a percent script and back with outputs and ids', async () => {
    await exported('analysis.ipynb', '--to', 'percent', '-o', 'script.py')
    await bench.file('script.py', read('script.py').replace('# %% cell_id="frame"', '# %% new\nnew = 1\n\n# %% cell_id="frame"'))
    await exported('script.py', '--to', 'ipynb', '-o', 'back.ipynb', '--outputs-from', 'analysis.ipynb')
    const [back, old] = [parseNotebook(read('back.ipynb'), 'back'), parseNotebook(notebook, 'old')]
    const added = back.cells.splice(2, 1)
    assert.deepEqual(added.map(({source, metadata}) => [source, metadata]), [['new = 1', {title: 'new'}]])
    assert.deepEqual(back.cells, old.cells)
  })

  it('goes to stdout, to a folder, and is told as JSON', async () => {
    assert.match(await exported('analysis.ipynb', '--to', 'md', '-o', '-'), /^# The \*title\*\n[\s\S]*data:image\/png;base64/)
    assert.match((await bench.cli(['notebook', 'export', '-', '--to', 'script'], {input: notebook})).stdout, /^#!\/usr\/bin\/env python3\n/)
    await bench.file('other/second.ipynb', notebook)
    const told = await bench.data<{notebook: string; output: string; format: string; files: string[]}[]>(['notebook', 'export', 'analysis.ipynb', 'other/second.ipynb', '--to', 'md', '-o', 'all'])
    assert.deepEqual(told.map(({output, files, format}) => [output, files.length, format]), [['all/analysis.md', 3, 'md'], ['all/second.md', 3, 'md']])
    for (const {files} of told) for (const file of files) assert.ok(readFileSync(join(bench.home.cwd, file)).length > 50)
    const link = /\((analysis_files\/[^)]+)\)/.exec(read('all/analysis.md'))?.[1] ?? ''
    assert.ok(told[0]?.files.includes(`all/${link}`))
  })

  it('refuses in one message what it cannot write', async () => {
    await bench.file('broken.ipynb', '{')
    const cases: [args: string[], status: number][] = [
      [['analysis.ipynb', '--to', 'ipynb'], 64], [['broken.ipynb'], 65], [['none.ipynb'], 66], [['none.py', '--to', 'ipynb'], 66], [['analysis.ipynb', '-o', 'analysis.ipynb/a.html'], 73],
    ]
    for (const [args, status] of cases) assertRefused(await bench.cli(['notebook', 'export', ...args]), status, args.join(' '))
  })

  it('takes formats of plugins, whose code cannot write into the result', async () => {
    await linkPlugin(bench.home, [{name: 'cgpu-slides', hooks: {'notebook-exporter:register': `
      return [
        {format: 'slides', extension: 'deck.txt', async convert({cells}) { console.log('noise'); return cells.length + ' slides' }},
        {format: 'broken', extension: 'txt', async convert() { throw new Error('no paper') }},
      ]`}}])
    const slides = await bench.cli(['notebook', 'export', 'analysis.ipynb', '--to', 'slides'])
    assert.deepEqual([slides.status, slides.stdout, read('analysis.deck.txt')], [0, 'analysis.deck.txt\n', '6 slides'], slides.stderr)
    const broken = await bench.cli(['notebook', 'export', 'analysis.ipynb', '--to', 'broken'])
    assertRefused(broken, 64)
    assert.match(broken.stderr, /error: the format broken failed: no paper\n/)
    const unknown = await bench.cli(['notebook', 'export', 'analysis.ipynb', '--to', 'docx'])
    assertRefused(unknown, 64)
    assert.match(unknown.stderr, /fix: give one of html, pdf, md, py, script, percent, ipynb, slides, broken\n/)
    await linkPlugin(bench.home, [])
  })

  it('shows cells in the terminal', async () => {
    const shown = await bench.cli(['notebook', 'show', 'analysis.ipynb', '--cells', 'code,error'])
    assert.equal(shown.stdout, 'In [1]:\nimport os  # comment\nprint("text", 42)\nred\noh\n\nIn [1]:\n1/0\nZeroDivisionError: division\n')
    assertRefused(await bench.cli(['notebook', 'show', 'analysis.ipynb', '--cells', '99']), 64)
  })

  it('has examples in its help that run', async () => {
    const all = examples('plugins/notebook').filter((line) => /^cgpu (notebook|nb) (export|show) /.test(line))
    assert.ok(all.length >= 6)
    for (const line of all) {
      const done = await bench.cli(line.split(' ').slice(1))
      assert.equal(done.status, 0, `${line}\n${done.stderr}`)
    }
  })
})

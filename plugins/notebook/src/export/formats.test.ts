import assert from 'node:assert/strict'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Cell, type CodeCell, type Notebook, type Output} from '../format/model.ts'
import type {ExportOptions} from './exporter.ts'
import {sourceUri} from './html/images.ts'
import {htmlPage, type PageOptions} from './html/page.ts'
import {markdownText} from './markdown/write.ts'
import {places} from './places.ts'
import {findBrowser} from './pdf/browser.ts'
import {restoreOutputs} from './restore-outputs.ts'
import {scriptText} from './script/write.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC'
const code = (source: string, outputs: Output[] = [], tags: string[] = []): CodeCell => ({cell_type: 'code', id: 'x', metadata: tags.length > 0 ? {tags} : {}, source, outputs, execution_count: 1})
const text = (source: string): Cell => ({cell_type: 'markdown', id: 'x', metadata: {}, source})
const display = (data: Record<string, unknown>): Output => ({output_type: 'display_data', data, metadata: {}})
const stream = (printed: string): Output => ({output_type: 'stream', name: 'stdout', text: printed})
const notebookOf = (cells: Cell[], language = 'python'): Notebook => ({cells: cells.map((cell, index) => ({...cell, id: `c${index}`})), metadata: {kernelspec: {name: language, language, display_name: language}}, nbformat: 4, nbformat_minor: 5})
const plain: ExportOptions & PageOptions = {input: true, output: true, title: undefined, name: 'book', toc: false, trust: false, folder: undefined, embedImages: false}
/** The page's main part. */
const main = async (cells: Cell[], options: Partial<PageOptions> = {}): Promise<string> => {
  const page = [...(await htmlPage(notebookOf(cells), {...plain, ...options}))].join('')
  return page.slice(page.indexOf('<main>'), page.lastIndexOf('</main>'))
}

describe('a page of a notebook', () => {
  it('lets nothing of the notebook act', async () => {
    const hostile = ['<script>x()</script>', '<img src=x onerror=x()>', '<a href="javascript:x()">a</a>', '<iframe src="https://x.example"></iframe>', '<svg onload=x()></svg>', '<form action="https://x.example"><input></form>', '<style>body{display:none}</style>', '<p style="position:fixed;background:url(https://x.example/)">t</p>', '<img src="https://x.example/i.png">', '<math><mi//xlink:href="data:x,<script>x()</script>">', '<base href="https://x.example">', '<noscript><p title="</noscript><img src=x onerror=x()>">', '[a](javascript:x())', '![a](javascript:x())', '`</code><script>x()</script>`', '# <img src=x onerror=x()>', '$<img src=x onerror=x()>$', '```html"onload=x()\n</code><script>x()</script>\n```']
    const cells = [...hostile.map(text), ...hostile.map((data) => code(data, [display({'text/html': data}), display({'text/markdown': data}), display({'text/latex': data}), display({'text/plain': data}), stream(data)]))]
    const page = await main(cells, {toc: true})
    // what stays of it is text, or shut in a frame
    const outside = page.replaceAll(/ srcdoc="[^"]*"/g, '')
    const tags = [...outside.matchAll(/<[a-z][^>]*>/gi)].map(([tag]) => tag.replaceAll(/(title|alt|id)="[^"]*"/g, ''))
    for (const tag of tags) assert.doesNotMatch(tag, /^<(script|style|form|input|base|svg|object|embed)|\son\w+=|javascript:|url\(|position|src="(?!data:)/i, tag)
    for (const [frame] of page.matchAll(/<iframe[^>]*>/g)) assert.match(frame, /^<iframe sandbox="allow-same-origin" /)
  })

  it('has a policy that keeps scripts and the network out, but where HTML is trusted', async () => {
    const page = async (trust: boolean) => [...(await htmlPage(notebookOf([code('', [display({'text/html': '<script>x()</script>'})])]), {...plain, trust}))].join('')
    assert.match(await page(false), /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'"/)
    const trusted = await page(true)
    assert.ok(trusted.includes('<div class="output"><script>x()</script></div>') && !trusted.includes('Content-Security-Policy'))
  })

  it('shows what outputs hold', async () => {
    const cases: [Output, RegExp][] = [
      [stream('\u001b[31mred\u001b[0m <b> 1%\r100%\n'), /<pre>100%\n<\/pre>/],
      [stream('\u001b[1;32mgreen\u001b[0m\n'), /<span style="font-weight:bold" class="ansi-green-fg">green<\/span>/],
      [display({'text/html': '<table border="1" class="dataframe"><tr><td>1</td></tr></table>', 'text/plain': '1'}), /<table border="1" class="dataframe">.*<td>1<\/td>/s],
      [display({'text/html': '<style scoped>.x {}</style><table><tr><td>1</td></tr></table>'}), /<div class="output"><table>/],
      [display({'text/html': '<style>#T {}</style><table id="T"></table>'}), /<iframe [^>]*srcdoc="[^"]*&lt;table id=&quot;T&quot;&gt;/],
      [display({'image/png': png}), new RegExp(`<img src="data:image/png;base64,${png.replaceAll(/[+]/g, '\\+')}"`)],
      [display({'image/png': Buffer.from('<svg onload=x()>').toString('base64'), 'text/plain': 'P'}), /cannot be read\].*<pre>P<\/pre>/],
      [display({'image/svg+xml': '<svg/>'}), /<img src="data:image\/svg\+xml;base64,PHN2Zy8\+"/],
      [display({'text/latex': '$\\displaystyle x^2$'}), /<math [^>]*display="block">/],
      [display({'application/json': {a: 1}}), /<span class="hljs-attr">&quot;a&quot;<\/span>/],
      [display({'application/x': 'y'}), /\[application\/x\]/],
    ]
    for (const [output, said] of cases) assert.match(await main([code('', [output])]), said)
  })

  it('makes formulas of TeX as Jupyter does, and leaves prices alone', async () => {
    const cases: [string, RegExp | string][] = [
      ['$a_1*b_2$', /<msub><mi>a<\/mi><mn>1<\/mn><\/msub><mo>∗<\/mo>/], ['$5 and $10', '<p>$5 and $10</p>'], ['`$x$`', '<code>$x$</code>'], ['$$\nx\n= 1\n- 2\n$$', /display="block"/], ['\\begin{align}a &= b\\end{align}', /<mtable/],
      ['\\\\(y\\\\)', /<mi>y<\/mi>/], ['$\\frac{$', /class="katex-error"/], ['\\$x\\$', '<p>$x$</p>'],
    ]
    for (const [source, found] of cases) {
      const html = await main([text(source)])
      assert.ok(typeof found === 'string' ? html.includes(found) : found.test(html), `${source}: ${html}`)
    }
  })

  it('has a title, contents, and what tags and flags leave', async () => {
    const cells = [text('# First `one`\n\n## Sub'), code('a = 1', [stream('A')], ['hide-input']), code('b = 1', [stream('B')], ['remove_output']), code('c = 1', [stream('C')], ['remove-cell'])]
    const page = [...(await htmlPage(notebookOf(cells), {...plain, toc: true}))].join('')
    assert.match(page, /<title>First one<\/title>/)
    assert.match(page, /<a href="#First-one">First one<\/a>.*<a href="#Sub">Sub<\/a>/s)
    assert.deepEqual([/<h1 id="First-one">/.test(page), page.includes('>A<'), page.includes('>B<'), page.includes('>C<'), page.includes('a = '), /b = /.test(page)], [true, true, false, false, false, true])
    assert.ok(!(await main(cells, {input: false})).includes('class="source"'))
    assert.ok(!(await main(cells, {output: false})).includes('class="output'))
  })

  it('takes pictures of the notebook’s folder, and of nowhere else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-export-'))
    try {
      await Promise.all([writeFile(join(folder, 'a b.png'), Buffer.from(png, 'base64')), writeFile(join(folder, 'secret.txt'), 'secret')])
      const uri = (source: string) => sourceUri(source, {attachments: undefined, folder})
      assert.equal(uri('a%20b.png'), `data:image/png;base64,${png}`)
      for (const source of ['secret.txt', '../x.png', '/etc/passwd', 'file:///etc/passwd', 'https://x.example/a.png', 'attachment:no.png', `${folder}/../${folder}/none.png`]) assert.equal(uri(source), undefined, source)
    } finally {
      await rm(folder, {recursive: true})
    }
  })
})

describe('Markdown of a notebook', () => {
  it('has output that cannot leave its fence, and pictures as files with names of its own', () => {
    const cells: Cell[] = [
      {cell_type: 'markdown', id: 'x', metadata: {}, source: '![a](attachment:../../evil.png)', attachments: {'../../evil.png': {'image/png': png}}},
      code('print()', [stream('```\n# no heading\n````\u001b[31m'), display({'image/png': png}), display({'text/html': '<b>', 'text/plain': 'b'}),
        display({'image/png': png, 'text/plain': '<Figure size 1x1>'}), display({'text/html': '<i>', 'text/plain': '<IPython.core.display.HTML object>'})]),
    ]
    const {content, files} = markdownText(notebookOf(cells), {...plain, name: '../my book'})
    assert.equal(content, '![a](_my_book_files/_my_book_1_______evil_png.png)\n\n```python\nprint()\n```\n\n`````text\n```\n# no heading\n````\n`````\n\n![output](_my_book_files/_my_book_2_2.png)\n\n```text\nb\n```\n\n![Figure size 1x1](_my_book_files/_my_book_2_4.png)\n\n```html\n<i>\n```\n')
    assert.deepEqual([...(files?.keys() ?? [])], ['_my_book_files/_my_book_1_______evil_png.png', '_my_book_files/_my_book_2_2.png', '_my_book_files/_my_book_2_4.png'])
    const {content: whole} = markdownText(notebookOf(cells), {...plain, embedImages: true})
    assert.ok(typeof whole === 'string')
    assert.match(whole, /!\[output\]\(data:image\/png;base64,/)
  })
})

describe('a script of a notebook', () => {
  it('runs without IPython: magics are comments, and what they time stays', () => {
    const cells = [text('# T'), code('%matplotlib inline\n%time x = 1\nif x:\n    !ls \\\n      -l\ns = """\n%no\n"""'), code('%%time\ny = 2'), code('%%bash\necho'), code('', [], []), code('z', [], ['remove-cell'])]
    assert.equal(scriptText(notebookOf(cells), plain), '#!/usr/bin/env python3\n\n# # T\n\n# %matplotlib inline\nx = 1  # %time\nif x:\n    pass  # !ls \\\n#       -l\ns = """\n%no\n"""\n\n# %%time\ny = 2\n\n# %%bash\n# echo\n')
    assert.equal(scriptText(notebookOf([text('T'), code('x <- 1')], 'R'), plain), '# T\n\nx <- 1\n')
    assert.throws(() => scriptText(notebookOf([], 'R'), {...plain, language: 'python'}), {code: 'SCRIPT_LANGUAGE', exit: 64})
    assert.throws(() => scriptText(notebookOf([], 'brainfuck'), plain), {code: 'SCRIPT_LANGUAGE'})
  })
})

describe('what goes with an export', () => {
  it('outputs come back to cells of the same id and source, else of the same source, each once', () => {
    const old = notebookOf([code('a', [stream('1')]), code('b', [stream('2')]), code('b', [stream('3')]), code('c', [stream('4')])])
    const edited = notebookOf([code('a'), code('b'), code('c changed'), code('b'), code('b')].map((cell) => ({...cell, outputs: [], execution_count: null})))
    Object.assign(old.metadata, {widgets: {}, language_info: {name: 'python', version: '3'}})
    Object.assign(old.cells[0]?.metadata ?? {}, {cgpu: {hash: '0', status: 'ok', test: {skip: true}}, execution: {}})
    Object.assign(edited.cells[0]?.metadata ?? {}, {cgpu: {test: {}}})
    restoreOutputs(edited, old)
    assert.deepEqual(edited.cells[0]?.metadata, {cgpu: {hash: '0', status: 'ok', test: {}}, execution: {}})
    assert.deepEqual(edited.metadata['widgets'], {})
    assert.deepEqual(edited.cells.map((cell) => (cell.cell_type === 'code' ? cell.outputs.map((one) => 'text' in one && one.text) : [])), [['1'], ['2'], [], ['3'], []])
  })

  it('goes beside the notebook, to the file or into the folder that is named, and never over the notebook', async () => {
    assert.deepEqual(await places([{path: 'x/a.ipynb', extension: '.html'}], undefined), [{from: 'x/a.ipynb', to: join('x', 'a.html')}])
    assert.deepEqual(await places([{path: 'https://x.example/y/a.ipynb', extension: '.html'}], undefined), [{from: 'https://x.example/y/a.ipynb', to: 'a.html'}])
    assert.deepEqual(await places([{path: '-', extension: '.html'}], undefined), [{from: '-', to: '-'}])
    assert.deepEqual((await places([{path: 'x/a.ipynb', extension: '.md'}, {path: 'b.ipynb', extension: '.md'}], 'out')).map(({to}) => to), [join('out', 'a.md'), join('out', 'b.md')])
    await assert.rejects(places([{path: 'x/a.ipynb', extension: '.md'}, {path: 'y/a.ipynb', extension: '.md'}], 'out'), /both be written/)
    await assert.rejects(places([{path: 'a.ipynb', extension: '.ipynb'}], undefined), /overwritten by its own export/)
    await assert.rejects(places([{path: 'a.ipynb', extension: '.md'}, {path: 'b.ipynb', extension: '.md'}], '-'), /stdout/)
  })

  it('needs a browser for paper, and says how to get one', async () => {
    const home = await mkdtemp(join(tmpdir(), 'cgpu-export-'))
    try {
      assert.throws(() => findBrowser({CGPU_CHROMIUM: join(home, 'none')}), {code: 'NO_BROWSER', exit: 66})
      assert.throws(() => findBrowser({HOME: home, PATH: home}, 'win32'), {code: 'NO_BROWSER', fix: 'winget install Google.Chrome'})
      await writeFile(join(home, 'chromium'), '#!/bin/sh\n', {mode: 0o755})
      assert.equal(findBrowser({HOME: home, PATH: home}, 'linux'), join(home, 'chromium'))
    } finally {
      await rm(home, {recursive: true})
    }
  })
})

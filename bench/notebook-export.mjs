// How long a notebook of 1,000 cells takes as a page: the whole command, Node's start included.
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {interleave, median, timed} from './measure.mjs'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC'
const table = `<div>\n<style scoped>\n  .dataframe tbody tr th { vertical-align: top; }\n</style>\n<table border="1" class="dataframe">${'<tr><th>0</th><td>1.5</td><td>text</td></tr>'.repeat(20)}</table></div>`
const code = Array.from({length: 15}, (_, line) => `value_${line} = compute(${line}, name="part ${line}")  # a comment`).join('\n')

/** Every fifth cell is text with a formula; outputs are streams with colours, tables, pictures and styled tables in turn. */
function notebookOf(count) {
  const outputs = [
    {output_type: 'stream', name: 'stdout', text: '\u001b[32mok\u001b[0m line\n'.repeat(20)},
    {output_type: 'execute_result', execution_count: 1, metadata: {}, data: {'text/html': table, 'text/plain': '0 1.5'}},
    {output_type: 'display_data', metadata: {}, data: {'image/png': png, 'text/plain': '<Figure>'}},
    {output_type: 'display_data', metadata: {}, data: {'text/html': `<style>#T td{color:red}</style>${table}`, 'text/plain': 'styled'}},
  ]
  const cells = Array.from({length: count}, (_, index) => {
    const common = {id: `cell-${index}`, metadata: {}}
    if (index % 5 === 0) return {cell_type: 'markdown', ...common, source: `## Part ${index}\n\nText with *emphasis*, \`code\` and $\\frac{a_${index}}{b}$.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<b>bold</b>`}
    return {cell_type: 'code', ...common, source: code, execution_count: index, outputs: [outputs[index % 4]]}
  })
  return {cells, metadata: {kernelspec: {name: 'python3', display_name: 'Python 3', language: 'python'}}, nbformat: 4, nbformat_minor: 5}
}

export async function notebookExportFigures({home, env, bin, rounds, add}) {
  writeFileSync(join(home, 'large.ipynb'), JSON.stringify(notebookOf(1000)))
  const cgpu = (...args) => async () => (await timed(process.execPath, [bin, 'notebook', ...args], {env, cwd: home})).ms
  const samples = await interleave(rounds, {
    node: async () => (await timed(process.execPath, ['-e', '0'], {env})).ms,
    html: cgpu('export', 'large.ipynb', '-o', 'large.html', '--toc'),
    percent: cgpu('export', 'large.ipynb', '--to', 'percent', '-o', 'large.py'),
  }, {warmup: 1})
  const page = readFileSync(join(home, 'large.html'), 'utf8')
  if (page.split('class="cell ').length !== 1001) throw new Error('the page has not all of the cells')
  const floor = `node -e 0: ${median(samples.node).toFixed(0)} ms`
  const html = median(samples.html)
  add({what: 'a notebook of 1,000 cells as a page', measured: `${html.toFixed(0)} ms, ${(page.length / 1e6).toFixed(1)} MB; ${floor}`, goal: '< 2 s', met: html < 2000})
  add({what: 'the same as a percent script', measured: `${median(samples.percent).toFixed(0)} ms; ${floor}`, goal: '', met: true})
}

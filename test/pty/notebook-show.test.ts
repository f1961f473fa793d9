import assert from 'node:assert/strict'
import {screen, Terminal} from '../helpers/terminal.ts'
import {workbench, type Workbench} from '../helpers/workbench.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const code = (source: string, ...outputs: object[]) => ({cell_type: 'code', id: `c${source.length}`, metadata: {}, source, outputs, execution_count: 1})
const notebook = (cells: object[]): string => JSON.stringify({cells, metadata: {kernelspec: {name: 'python3', display_name: 'P'}}, nbformat: 4, nbformat_minor: 5})

describe('a notebook on a terminal', function () {
  this.timeout(30_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    await bench.file('short.ipynb', notebook([
      {cell_type: 'markdown', id: 'm', metadata: {}, source: '# Title\n\nsome *text*\u001b]0;evil\u0007\n\n- a\n- b'},
      code('import os', {output_type: 'stream', name: 'stdout', text: '\u001b[31mred\u001b[0m\u001b[2J\n'}, {output_type: 'display_data', metadata: {}, data: {'image/png': png, 'text/plain': '<Figure>'}}),
    ]))
    await bench.file('long.ipynb', notebook([code(Array.from({length: 40}, (_, line) => `line_${line} = ${line}`).join('\n'))]))
  })
  after(() => bench.remove())
  const show = (args: string[], env: Record<string, string> = {}): Terminal => new Terminal(['notebook', 'show', ...args], {home: bench.home, env})

  it('is laid out and coloured, with its pictures, and harmless', async () => {
    const shown = show(['short.ipynb'], {TERM: 'xterm-kitty'})
    assert.equal((await shown.exit).exitCode, 0)
    assert.ok(shown.output.includes(`\u001b_Ga=T,f=100,m=0;${png}\u001b\\`))
    assert.match(shown.output, /\u001b\[1mTitle\u001b\[22m/)
    assert.match(shown.output, /\u001b\[35mimport\u001b\[39m os/)
    assert.match(shown.output, /\u001b\[31mred\u001b\[0m/)
    // eslint-disable-next-line no-control-regex -- what may not be there
    assert.doesNotMatch(shown.output, /\u001b\]0|\u001b\[2J|\u0007/)
    const plain = show(['short.ipynb', '--cells', '2'])
    assert.equal((await plain.exit).exitCode, 0)
    assert.deepEqual(screen(plain.output).filter((line) => line !== ''), ['In [1]:', 'import os', 'red', '<Figure>', '[image/png, 70 bytes]'])
  })

  it('goes through the user’s pager where it is longer than the screen', async () => {
    const pager = `${process.execPath} -e "let n = 0; process.stdin.on('data', (d) => n += String(d).split('\\n').length - 1).on('end', () => console.log('paged ' + n))"`
    const paged = show(['long.ipynb'], {PAGER: pager})
    await paged.shows(/paged 41/)
    assert.equal((await paged.exit).exitCode, 0)
    for (const [args, env] of [[['long.ipynb', '--no-pager'], {PAGER: pager}], [['short.ipynb'], {PAGER: pager}], [['long.ipynb'], {PAGER: 'no-such-pager'}]] as const) {
      const shown = show([...args], env)
      assert.equal((await shown.exit).exitCode, 0)
      assert.match(shown.output, /line_39|red/)
      assert.doesNotMatch(shown.output, /paged/)
    }
  })
})

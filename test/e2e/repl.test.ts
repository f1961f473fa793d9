import assert from 'node:assert/strict'
import {join} from 'node:path'
import {stripVTControlCharacters} from 'node:util'
import type {HistoryItem} from '../../packages/cli/src/history/item.ts'
import {type CliResult, envelope} from '../helpers/cli.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

describe('the REPL with a pipe', function () {
  this.timeout(60_000)
  let bench: Workbench
  let server: TestJupyter
  const repl = (input: string, ...args: string[]): Promise<CliResult> => bench.cli(['repl', ...args], {input})

  before(async () => {
    bench = await workbench()
    server = await jupyterThere(bench)
  })
  after(() => bench.remove())

  it('runs cell by cell, shows each value, and keeps variables and history as exec does', async () => {
    const {status, stdout, stderr} = await repl('1+1\nx = 20\ndef f(a):\n    b = a\n\n    return b + 1\nf(x)\n!echo shell\n%who_ls int\n')
    // IPython gives the shell a terminal, which ends its lines as terminals do
    assert.deepEqual([status, stdout.replace('\r', ''), stderr], [0, "2\n21\nshell\n['x']\n", ''])
    assert.equal((await bench.cli(['exec', 'f(x)'])).stdout, '21\n')
    const codes = (await bench.data<HistoryItem[]>(['history', 'list'])).map(({command}) => command.code)
    assert.deepEqual(codes.slice(0, 4), ['f(x)', '%who_ls int', '!echo shell', 'f(x)'])
  })

  it('shows what magics and questions amid code want to be read page by page', async () => {
    const {stdout, stderr} = await repl('%psource f\nx = 20; x?\n')
    assert.equal(stderr, '')
    assert.match(stripVTControlCharacters(stdout), /def f\(a\):/)
    assert.match(stdout, /Type:\s+int/)
  })

  const endings: [name: string, input: string, status: number, stdout: string, stderr: RegExp][] = [
    ['the first cell that raises', 'print("a")\n1/0\nprint("b")\n', 1, 'a\n', /ZeroDivisionError/],
    ['sys.exit()', 'import sys\nsys.exit(3)\nprint("b")\n', 3, '', /To exit: use 'exit'/],
    ['code that is not whole', 'f(1,\n', 1, '', /SyntaxError/],
    [':quit', 'print("a")\n:quit\nprint("b")\n', 0, 'a\n', /^$/],
    ['a command that there is not', ':nonsense\n1\n', 0, '1\n', /there is no command :nonsense/],
    ['a kernel that there is not', ':kernel nobody\n1\n', 66, '', /fix: /],
    ['nothing', '', 0, '', /^$/],
    ['questions that the pipe answers', 'input("name? ")\nada\ninput()\n', 1, "'ada'\n", /EOFError/],
  ]
  for (const [name, input, status, stdout, stderr] of endings) {
    it(`ends with ${name}`, async () => {
      const result = await repl(input)
      assert.deepEqual([result.status, result.stdout], [status, stdout], result.stderr)
      assert.match(result.stderr, stderr)
    })
  }

  it('answers with --json what every cell did, also when one failed', async () => {
    const good = envelope<{runtime: string; cells: {stdout: string; status: string}[]}>(await repl('print(1)\nprint(2)\n', '--json'))
    assert.deepEqual([good.ok, good.data.runtime, good.data.cells.map(({stdout}) => stdout)], [true, 'there', ['1\n', '2\n']])
    const {outputSchemas} = await import('@cgpu/core/schema/zod')
    ;(await outputSchemas()).conversation.parse(good.data)
    const bad = await repl('print(1)\n1/0\n3\n', '--json')
    assert.equal(bad.status, 1)
    const {ok, error} = envelope(bad)
    assert.deepEqual([ok, error.code, (error.details?.['cells'] as {status: string}[]).map(({status}) => status)], [false, 'CODE_FAILED', ['ok', 'error']])
  })

  it('streams with --output ndjson what every cell does, from its start to its end', async () => {
    const {status, stdout, stderr} = await repl('print(1)\n:kernel\n2\n1/0\n3\n', '--output', 'ndjson')
    const events = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as {type: string; id: string; seq: number; exitStatus?: number})
    const cells = [...new Set(events.map(({id}) => id))].map((id) => events.filter((event) => event.id === id))
    assert.deepEqual([status, cells.length, stderr], [1, 3, ''])
    for (const cell of cells) assert.deepEqual([cell[0]?.type, cell.at(-1)?.type, cell.map(({seq}) => seq)], ['started', 'finished', cell.map((_, index) => index)])
    assert.deepEqual(cells.map((cell) => cell.at(-1)?.exitStatus), [0, 0, 1])
    assert.deepEqual(cells.map((cell) => cell.filter(({type}) => ['stdout', 'display'].includes(type)).map(({type}) => type)), [['stdout'], ['display'], []])
    assertRefused(await repl('1\n', '--kernel', 'nobody', '--output', 'ndjson'), 66)
  })

  it('joins a kernel that runs, by its name or the beginning of its id', async () => {
    const [kernel] = await bench.data<{id: string}[]>(['kernel', 'list'])
    for (const name of [['default'], [kernel?.id.slice(0, 8) ?? ''], []]) {
      const {stdout, stderr} = await bench.cli(['kernel', 'attach', ...name], {input: 'x\n'})
      assert.deepEqual([stdout, stderr], ['20\n', ''])
    }
  })

  const refused: [args: string[], status: number][] = [
    [['repl', 'nobody'], 66], [['repl', 'there', '-r', 'other'], 64], [['repl', '--kernel', 'nobody'], 66], [['kernel', 'attach', 'nobody'], 66], [['repl', '--secret', 'HOME'], 64],
  ]
  for (const [args, status] of refused) it(`refuses ${args.join(' ')}`, async () => assertRefused(await bench.cli(args, {input: '1\n'}), status))

  describe('and exec, after a restart that nobody here asked for', () => {
    const told = /the kernel default on there was restarted since it was last used from here: its variables and imports are gone \(\d+ cells had run in it\)/
    const restarts = (): number => server.log().split(/Kernel restarted|restarting kernel/).length

    it('say what is lost, once, before new code runs', async () => {
      const elsewhere = await workbench()
      try {
        await elsewhere.cli(['runtime', 'add', server.url, '--token-stdin', '--name', 'there'], {input: server.token})
        assert.equal((await elsewhere.cli(['kernel', 'restart'])).status, 0)
        const first = await bench.cli(['exec', 'print("x" in globals())'])
        assert.equal(first.stdout, 'False\n')
        assert.match(first.stderr, told)
        assert.equal((await bench.cli(['exec', '1'])).stderr, '')
        // who asked for it knows
        assert.equal((await elsewhere.cli(['exec', '1'])).stderr, '')
        assert.equal((await elsewhere.cli(['kernel', 'restart'])).status, 0)
        const second = await repl('"x" in globals()\n1\n')
        assert.equal(second.stdout, 'False\n1\n')
        assert.match(second.stderr, told)
        assert.equal(second.stderr.split('was restarted').length, 2)
      } finally {
        await elsewhere.remove()
      }
    })

    it('also where the kernel died by itself', async () => {
      const end = join(bench.home.cwd, 'end')
      const code = `import os, threading, time\ndef end():\n    while not os.path.exists(${JSON.stringify(end)}): time.sleep(0.02)\n    os.kill(os.getpid(), 9)\nthreading.Thread(target=end).start()`
      assert.equal((await bench.cli(['exec', code])).status, 0)
      const before = restarts()
      await bench.file('end', '')
      await until(() => restarts() > before, () => server.log())
      const {stdout, stderr} = await bench.cli(['exec', 'print("os" in globals())'])
      assert.equal(stdout, 'False\n')
      assert.match(stderr, /its variables and imports are gone \(\d+ cells? had run in it\)/)
    })

    it('but not when the code that was lost said so already', async () => {
      assert.equal((await bench.cli(['exec', 'import os; os.kill(os.getpid(), 9)'])).status, 71)
      assert.equal((await bench.cli(['exec', '1'])).stderr, '')
    })
  })
})

import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {assertRefused, places, type Workbench, workbench} from '../helpers/workbench.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Fifty megabytes, and what the program below prints of them on each stream. */
const lines = 500_000
const mixed = `import sys
for i in range(${lines}):
    print('%08d ' % i + 'x' * 90, file=sys.stderr if i % 5 == 0 else sys.stdout)
`
function expected(stream: 'stdout' | 'stderr'): string {
  const hash = createHash('sha256')
  for (let i = 0; i < lines; i++) if ((i % 5 === 0) === (stream === 'stderr')) hash.update(`${String(i).padStart(8, '0')} ${'x'.repeat(90)}\n`)
  return hash.digest('hex')
}

for (const {place, make} of places) {
  describe(`cgpu exec on ${place}`, function () {
    this.timeout(60_000)
    let bench: Workbench
    before(async () => {
      bench = await workbench()
      await make(bench)
    })
    after(() => bench.remove())
    const exec = (...args: string[]) => bench.cli(['exec', ...args])
    const check = async (args: string[], status: number, stdout: string, input?: string) => {
      const result = await bench.cli(['exec', ...args], input === undefined ? {} : {input})
      assert.deepEqual([result.status, result.stdout], [status, stdout], result.stderr)
      return result
    }

    it('keeps its variables between calls', async () => {
      await check(['x = 41'], 0, '')
      await check(['x + 1'], 0, '42\n')
    })

    it('shows an exception as Python does, on stderr, with status 1', async () => {
      const {stderr} = await check(['print("before"); 1/0'], 1, 'before\n')
      assert.match(stderr, /Traceback/)
      assert.match(stderr, /ZeroDivisionError: division by zero\n$/)
      assert.doesNotMatch(stderr, /\u001b/)
    })

    it('ends as sys.exit() says', async () => {
      const cases: [code: string, status: number, said: RegExp][] = [
        ['sys.exit()', 0, /^$/], ['sys.exit(0)', 0, /^$/], ['sys.exit(3)', 3, /^$/], ['sys.exit(256 + 5)', 5, /^$/], ['sys.exit("no luck")', 1, /^no luck\n$/], ['raise SystemExit(63)', 63, /^$/],
      ]
      await exec('import sys, warnings; warnings.simplefilter("ignore")')
      for (const [code, status, said] of cases) {
        const result = await exec(code)
        assert.equal(result.status, status, code)
        assert.match(result.stderr, said, code)
      }
    })

    it('takes code from a file, from stdin, and refuses both at once', async () => {
      await bench.file('cell.py', 'print("from a file")\n2 ** 10\n')
      await check(['-f', 'cell.py'], 0, 'from a file\n1024\n')
      await check(['-'], 0, 'from stdin ü\n', 'print("from stdin ü")')
      assertRefused(await exec('1', '-f', 'cell.py'), 64)
      assertRefused(await exec('-f', 'missing.py'), 66)
      assertRefused(await exec('-f', '.'), 64)
      assertRefused(await exec(), 64)
    })

    it('answers input() from stdin, and its end is the end', async () => {
      const {stderr} = await check(['print([input("name? "), input()])'], 0, "['Ada', 'Lovelace']\n", 'Ada\nLovelace\n')
      assert.match(stderr, /name\? /)
      const end = await check(['input()'], 1, '', '')
      assert.match(end.stderr, /EOFError/)
    })

    it('can use a kernel of its own, once', async () => {
      await check(['y = 1'], 0, '')
      assert.match((await check(['--new-kernel', 'y'], 1, '')).stderr, /NameError/)
      await check(['y'], 0, '1\n')
    })

    it('can use another kernel, and lists them for one that is not there', async () => {
      await check(['--kernel', 'python3', '1 + 1'], 0, '2\n')
      // that server has another one: ipykernel as on Colab
      if (place !== 'a local runtime') await check(['--kernel', 'colab', 'import ipykernel; ipykernel.__version__'], 0, "'6.17.1'\n")
      const result = await exec('--kernel', 'klingon', '1')
      assertRefused(result, 66)
      assert.match(result.stderr, /^fix: .*python3/m)
    })

    it('shows rich results: text, images as files, tables', async () => {
      const code = `from IPython.display import display, Image
import base64
class Table:
    def _repr_html_(self): return '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>22</td></tr></table>'
class Both:
    def __repr__(self): return 'plain wins'
    def _repr_html_(self): return '<b>html</b>'
display(Image(base64.b64decode('${png}')))
display(Table())
display(Both())
'last'`
      const {status, stdout, stderr} = await exec('--output-dir', 'pictures', code)
      assert.equal(status, 0, stderr)
      assert.match(stdout, /^a +b *\n(?:[-─ ]+\n)?1 +22 *\nplain wins\n'last'\n$/)
      const [, saved = ''] = /^saved (pictures\/.*\.png)$/m.exec(stderr) ?? assert.fail(stderr)
      assert.deepEqual(await readFile(join(bench.home.cwd, saved)), Buffer.from(png, 'base64'))
    })

    it('shows what a program started by the code prints', async () => {
      // a kernel reads the program's output in a thread: what the cell itself prints later may come first, what it flushed before may not
      await check(['import subprocess; print("before", flush=True); subprocess.run(["sh", "-c", "echo from below; echo err >&2"], check=True); None'], 0, 'before\nfrom below\n')
    })

    it('is stopped by Ctrl-C, and the kernel lives on', async () => {
      await check(['kept = "still here"'], 0, '')
      const code = 'import time; print("up", flush=True)\nwhile True: time.sleep(0.01)'
      const {status, stderr} = await bench.cli(['exec', code], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /up/}})
      assert.equal(status, 130, stderr)
      assert.match(stderr, /KeyboardInterrupt/)
      await check(['kept'], 0, "'still here'\n")
    })

    it('is stopped after --timeout, and the kernel lives on', async () => {
      const result = await exec('--timeout', '300ms', 'import time\nwhile True: time.sleep(0.01)')
      assert.equal(result.status, 130, result.stderr)
      assert.match(result.stderr, /^error: the code was interrupted after 0\.3 s\nfix: .*--timeout/m)
      await check(['kept'], 0, "'still here'\n")
      for (const wrong of ['', '0', '-1', 'soon', '1y', '99999999h']) assertRefused(await exec('--timeout', wrong, '1'), 64, wrong)
    })

    it('loses nothing of fifty megabytes on two streams', async () => {
      const child = startCgpu(['exec', mixed], {home: bench.home})
      const hashes = {stdout: createHash('sha256'), stderr: createHash('sha256')}
      for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (chunk: Buffer) => hashes[name].update(chunk))
      const [status] = await once(child, 'close')
      assert.equal(status, 0)
      assert.deepEqual([hashes.stdout.digest('hex'), hashes.stderr.digest('hex')], [expected('stdout'), expected('stderr')])
    })
  })
}

describe('cgpu exec without a runtime', () => {
  it('says how to make one, or which there are', async () => {
    const bench = await workbench()
    try {
      const none = await bench.cli(['exec', '1'])
      assertRefused(none, 66)
      assert.match(none.stderr, /^fix: cgpu runtime create$/m)
      assertRefused(await bench.cli(['exec', '-r', 'nobody', '1']), 66)
      await writeFile(join(bench.home.cwd, 'cgpu.yaml'), 'runtime: nobody\n')
      assertRefused(await bench.cli(['exec', '1']), 66)
    } finally {
      await bench.remove()
    }
  })
})

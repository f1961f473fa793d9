import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {mkdir, readdir, readFile, rename, rmdir, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {schemaFor} from '@cgpu/core/schema/commands'
import {type CliOptions, startCgpu} from '../helpers/cli.ts'
import {untilThere} from '../helpers/gate.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {assertRefused, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface Item {
  id: string
  kind: string
  status: string
  state: string
  createdAt: string
  exitStatus?: number
  code?: string
  category?: string
  message?: string
  traceback?: string
  command: {code?: string; script?: string; args?: string[]; argv?: string[]; sha256?: string; redacted?: boolean}
  envNames: string[]
  runtime?: {name: string; provider: string}
  spec: Record<string, unknown>
  tail?: {stdout?: string; stderr?: string}
  artifacts?: string[]
}

const key = 'sk-live-0123456789abcdefghij'

describe('cgpu history', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    const made = await bench.cli(['runtime', 'create', '--name', 'there'])
    assert.equal(made.status, 0, made.stderr)
  })
  after(() => bench.remove())
  const newest = async (): Promise<Item> => bench.data<Item>(['history', 'show'])
  const folder = (): string => join(bench.home.dataDir, 'state', 'history')
  const kept = async (): Promise<string> => (await Promise.all((await readdir(folder())).map((name) => readFile(join(folder(), name), 'utf8')))).join('')
  const run = (args: string[], options?: Partial<CliOptions>) => bench.cli(['run', '-q', ...args], options)

  it('is empty at first, and says so', async () => {
    assert.deepEqual(await bench.data(['history', 'list']), [])
    assert.match((await bench.cli(['history', 'list'])).stderr, /^nothing in the history$/m)
    assertRefused(await bench.cli(['history', 'show']), 66)
    assertRefused(await bench.cli(['history', 'export', '--to', 'md']), 66)
  })

  it('holds code with how it ended', async () => {
    assert.equal((await bench.cli(['exec', 'print("größe")\nx = 41'])).status, 0)
    const ok = await newest()
    assert.deepEqual([ok.kind, ok.status, ok.state, ok.exitStatus, ok.command.code, ok.tail], ['exec', 'ok', 'ok', 0, 'print("größe")\nx = 41', {stdout: 'größe\n'}])
    assert.deepEqual([ok.runtime?.name, ok.spec], ['there', {provider: 'local', cpu: true}])

    assert.equal((await bench.cli(['exec', '1/0'])).status, 1)
    const failed = await newest()
    assert.deepEqual([failed.status, failed.exitStatus, failed.category, failed.code, failed.message], ['error', 1, 'code', 'CODE_FAILED', 'ZeroDivisionError: division by zero'])
    assert.match(failed.traceback ?? '', /1\/0/)

    const code = 'import time\nprint("go", flush=True)\ntime.sleep(60)'
    assert.equal((await bench.cli(['exec', code], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /go/}})).status, 130)
    const interrupted = await newest()
    assert.deepEqual([interrupted.status, interrupted.exitStatus, interrupted.code], ['interrupted', 130, 'INTERRUPTED'])
  })

  it('holds programs with their arguments, outputs and status', async () => {
    await bench.file('job.py', 'import sys\nprint("args", sys.argv[1:])\nopen("out.txt", "w").write("x")\nsys.exit(3)\n')
    assert.equal((await run(['--outputs', 'out.txt', 'job.py', '--epochs', '2'])).status, 3)
    const entry = await newest()
    assert.deepEqual([entry.kind, entry.status, entry.exitStatus, entry.code], ['run', 'error', 3, 'PROGRAM_FAILED'])
    assert.deepEqual([entry.command.script, entry.command.args, entry.artifacts], ['job.py', ['--epochs', '2'], ['out.txt']])
    assert.match(entry.tail?.stdout ?? '', /args \['--epochs', '2'\]/)
    const rows = (await bench.cli(['history', 'list'])).stdout.split('\n')
    assert.match(rows[1] ?? '', /^\S+ +run +error PROGRAM_FAILED +.* there +job\.py --epochs 2$/)
  })

  it('never holds a secret', async () => {
    await bench.file('env.py', 'import os\nprint(os.environ["HF_TOKEN"], os.environ["PLAIN"], flush=True)\n')
    const secret = 'a-secret-which-has-no-shape'
    const {status, stdout} = await run(['--secret', 'HF_TOKEN', '--env', 'PLAIN=the-value-of-plain', 'env.py', `--password=${secret}`, 'sub', '--token', 'abc'], {env: {HF_TOKEN: secret}})
    assert.equal(status, 0)
    assert.match(stdout, new RegExp(`${secret} the-value-of-plain`))
    assert.equal((await bench.cli(['exec', `key = "${key}"; print(key)`])).status, 0)
    const entry = await newest()
    assert.deepEqual(entry.command, {code: 'key = "[redacted]"; print(key)', redacted: true})
    const text = await kept()
    for (const value of [secret, key, 'the-value-of-plain', '"abc"']) assert.ok(!text.includes(value), value)
    assert.match(text, /"envNames":\["PLAIN","HF_TOKEN"\]/)
    assertRefused(await bench.cli(['history', 'rerun', entry.id]), 65)
  })

  it('is for its owner only', async () => {
    if (process.platform === 'win32') return
    assert.equal((await stat(folder())).mode & 0o777, 0o700)
    assert.equal((await stat(join(folder(), 'history.jsonl'))).mode & 0o777, 0o600)
  })

  it('knows of an execution whose cgpu was killed', async () => {
    const code = untilThere(join(bench.home.cwd, 'go-on'))
    const child = startCgpu(['exec', code], {home: bench.home})
    await until(async () => (await newest()).status === 'running', () => 'never seen running')
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
    const entry = await newest()
    assert.deepEqual([entry.status, entry.command.code, entry.exitStatus], ['unknown', code, undefined])
    await bench.file('go-on', '') // the kernel is the next test's, too
  })

  it('learns from job attach how a run ended whose cgpu was killed', async () => {
    const go = join(bench.home.cwd, 'go-attach')
    const child = startCgpu(['run', '-q', '--', 'sh', '-c', `echo up; until [ -e ${go} ]; do sleep 0.05; done; exit 4`], {home: bench.home})
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
    const {id, status} = await newest()
    assert.equal(status, 'unknown')
    await bench.file('go-attach', '')
    assert.equal((await bench.cli(['job', 'attach', id])).status, 4)
    const entry = await newest()
    assert.deepEqual([entry.id, entry.status, entry.exitStatus], [id, 'error', 4])
  })

  it('is filtered', async () => {
    const ids = async (...args: string[]): Promise<string[]> => (await bench.data<Item[]>(['history', 'list', ...args])).map(({status, kind}) => `${kind} ${status}`)
    assert.deepEqual(await ids('--kind', 'run', '--status', 'error'), ['run error', 'run error'])
    assert.deepEqual(await ids('--status', 'interrupted,unknown'), ['exec unknown', 'exec interrupted'])
    assert.equal((await ids('--category', 'code')).length, 4)
    assert.deepEqual(await ids('--limit', '1'), ['run error'])
    assert.deepEqual([await ids('-r', 'elsewhere'), await ids('--since', '1h', '--until', '30m'), await ids('--account', 'me@example.com')], [[], [], []])
    for (const args of [['--status', 'good'], ['--since', 'soon'], ['--category', 'x'], ['--limit', '-1']]) assertRefused(await bench.cli(['history', 'list', ...args]), 64)
  })

  it('is searched', async () => {
    const found = async (...args: string[]): Promise<string[]> => (await bench.data<{line: string}[]>(['history', 'search', ...args])).map(({line}) => line)
    assert.deepEqual(await found('größe'), ['print("größe")'])
    assert.deepEqual(await found('division by'), ['ZeroDivisionError: division by zero'])
    assert.deepEqual(await found('DIVISION', '--ignore-case', '--status', 'error'), ['ZeroDivisionError: division by zero'])
    assert.deepEqual(await found('--regex', '^x = \\d+$'), ['x = 41'])
    assert.deepEqual(await found('nowhere'), [])
    assert.match((await bench.cli(['history', 'search', '--', '--epochs'])).stdout, /^\S+ {2}error PROGRAM_FAILED {2}.* {2}--epochs 2\n$/)
    assertRefused(await bench.cli(['history', 'search', '--regex', '(']), 64)
    assertRefused(await bench.cli(['history', 'search', '']), 64)
  })

  it('is counted', async () => {
    const stats = await bench.data<{total: {count: number; ok: number; failed: number}; groups: {key: string; count: number}[]; topErrors: {code: string}[]}>(['history', 'stats', '--by', 'status'])
    assert.deepEqual([stats.total.count, stats.total.ok, stats.total.failed], [8, 3, 3])
    assert.deepEqual(stats.groups.map(({key: name, count}) => [name, count]), [['error', 3], ['ok', 3], ['interrupted', 1], ['unknown', 1]])
    assert.equal(stats.topErrors[0]?.code, 'PROGRAM_FAILED')
    // where it is noon: all of it was on one day
    const fromNoon = new Date().getUTCHours() - 12
    const TZ = `Etc/GMT${fromNoon < 0 ? '' : '+'}${fromNoon}`
    assert.match((await bench.cli(['history', 'stats'], {env: {TZ}})).stdout, /^\d{4}-\d\d-\d\d +8 +50 % .*#{20}$/m)
  })

  it('is exported as a valid notebook, a script, a report and lines', async () => {
    const to = async (format: string, ...args: string[]): Promise<string> => {
      const done = await bench.cli(['history', 'export', '--to', format, ...args])
      assert.equal(done.status, 0, done.stderr)
      return done.stdout
    }
    assert.equal(await to('ipynb', '-o', 'all.ipynb'), '')
    const check = spawnSync(testPython, ['-c', 'import sys; sys.modules["rfc3987_syntax"] = None; import nbformat; nb = nbformat.read(sys.argv[1], 4); nbformat.validate(nb); print(len(nb.cells), nb.nbformat, nb.nbformat_minor)', join(bench.home.cwd, 'all.ipynb')], {encoding: 'utf8'})
    assert.equal(check.stdout, '8 4 5\n', check.stderr)
    assert.match(await to('py', '--kind', 'exec'), /^# %% .* exec on there: ok after .*\nprint\("größe"\)\nx = 41\n/)
    assert.match(await to('md'), /^# cgpu history\n\n## .*\n\n- id \S+\n\n```python\nprint\("größe"\)\nx = 41\n```\n\nOutput:\n\n```text\ngröße\n```\n/)
    const lines = (await to('jsonl')).trimEnd().split('\n').map((line) => JSON.parse(line) as Item) // our own lines
    assert.deepEqual(lines.map(({kind}) => kind), ['exec', 'exec', 'exec', 'run', 'run', 'exec', 'exec', 'run'])
    assert.match(await to('py', lines[3]?.id ?? ''), /^# %% .*\n# cgpu run job\.py --epochs 2\n$/)
    assertRefused(await bench.cli(['history', 'export', '--to', 'md', '-o', '.']), 73)
  })

  it('does an execution again', async () => {
    const [program] = await bench.data<Item[]>(['history', 'search', 'epochs 2'])
    assert.ok(program)
    const planned = await bench.cli(['history', 'rerun', program.id, '--dry-run'])
    assert.equal(planned.stdout, 'cgpu run -r there --outputs out.txt job.py --epochs 2\n', planned.stderr)
    const again = await bench.cli(['history', 'rerun', program.id])
    assert.deepEqual([again.status, again.stdout], [3, "args ['--epochs', '2']\n"], again.stderr)
    const [code] = await bench.data<Item[]>(['history', 'search', 'größe'])
    const json = await bench.cli(['history', 'rerun', code?.id ?? '', '--json'])
    const {command, ok, data} = JSON.parse(json.stdout) as {command: string; ok: boolean; data: {stdout: string}} // one envelope
    assert.deepEqual([command, ok, data.stdout], ['history:rerun', true, 'größe\n'])
  })

  it('does one again with its restart policy, of which it keeps no secret', async () => {
    await run(['-r', 'there', '--max-restarts', '2', '--checkpoint', '*.pt', '--resume-cmd', 'sh -c true {latest}', '--', 'true'])
    const {line} = await bench.data<{line: string}>(['history', 'rerun', '--dry-run'])
    assert.match(line, /--checkpoint '?\*\.pt'? --max-restarts 2 --resume-cmd 'sh -c true \{latest\}'/)
    await run(['-r', 'there', '--max-restarts', '2', '--resume-cmd', `train --api-key ${key}`, '--', 'true'])
    assert.ok(!(await kept()).includes(key))
    assertRefused(await bench.cli(['history', 'rerun', '--dry-run']), 65)
  })

  it('asks for variables whose values it does not have, and tells of a script that changed', async () => {
    const [entry] = await bench.data<Item[]>(['history', 'list', '--kind', 'run', '--limit', '0']).then((all) => all.filter(({envNames}) => envNames.includes('PLAIN')))
    const missing = await bench.cli(['history', 'rerun', entry?.id ?? ''])
    assertRefused(missing, 64)
    assert.match(missing.stderr, /not set here: PLAIN\nfix: .*export PLAIN=…/)
    await bench.file('job.py', 'print("changed")\n')
    const [program] = await bench.data<Item[]>(['history', 'search', 'epochs 2'])
    const again = await bench.cli(['history', 'rerun', program?.id ?? ''])
    assert.deepEqual([again.status, again.stdout], [0, 'changed\n'])
    assert.match(again.stderr, /^warning: .*job\.py is not as it was then$/m)
  })

  it('compares two executions', async () => {
    const all = await bench.data<Item[]>(['history', 'search', 'args', '--kind', 'run'])
    const [later, earlier] = all
    const same = await bench.cli(['history', 'diff', earlier?.id ?? '', later?.id ?? ''])
    assert.deepEqual([same.status, same.stdout], [0, ''], same.stdout)
    const [changed] = await bench.data<Item[]>(['history', 'search', 'changed'])
    const differs = await bench.cli(['history', 'diff', earlier?.id ?? '', changed?.id ?? ''])
    assert.equal(differs.status, 1)
    assert.match(differs.stdout, /^--- \S+ .*\n\+\+\+ \S+ .*\n/)
    assert.match(differs.stdout, /^- {2}error$/m)
    assert.match(differs.stdout, /^\+ {2}changed$/m)
    assertRefused(await bench.cli(['history', 'diff', 'nope', 'nope2']), 66)
  })

  it('answers as its schemas say', async () => {
    for (const name of ['history list', 'history show', 'history stats', 'history search', 'history export', 'history diff', 'history clear', 'history rerun']) assert.ok(await schemaFor(name), name)
    const {outputSchemas} = await import('@cgpu/core/schema/zod')
    const {historyEntry, historyStats} = await outputSchemas()
    for (const item of await bench.data<unknown[]>(['history', 'list', '--limit', '0'])) historyEntry.parse(item)
    historyEntry.parse(await newest())
    historyStats.parse(await bench.data(['history', 'stats']))
  })

  it('can be off, and a history that cannot be written fails nothing', async () => {
    const before = (await bench.data<Item[]>(['history', 'list', '--limit', '0'])).length
    assert.equal((await bench.cli(['exec', 'pass'], {env: {CGPU_HISTORY: 'off'}})).status, 0)
    assert.equal((await bench.data<Item[]>(['history', 'list', '--limit', '0'])).length, before)
    // a folder in its place stops root, too
    const path = join(folder(), 'history.jsonl')
    await rename(path, `${path}.aside`)
    await mkdir(path)
    try {
      const done = await bench.cli(['exec', 'print(1)'])
      assert.deepEqual([done.status, done.stdout], [0, '1\n'])
      assert.match(done.stderr, /^warning: this execution is not in the history: cannot write .*: a folder is in its place$/m)
      assert.equal(done.stderr.split('\n').filter((line) => line.startsWith('warning')).length, 1)
    } finally {
      await rmdir(path)
      await rename(`${path}.aside`, path)
    }
  })

  it('does an execution again on a new machine when the former one is gone', async () => {
    const [code] = await bench.data<Item[]>(['history', 'search', 'größe'])
    assert.equal((await bench.cli(['stop', 'there'])).status, 0)
    const planned = await bench.cli(['history', 'rerun', code?.id ?? '', '--dry-run'])
    assert.equal(planned.stdout, 'cgpu runtime ensure there --provider local --cpu >&2 && cgpu exec -r there \'print("größe")\nx = 41\'\n', planned.stderr)
    const again = await bench.cli(['history', 'rerun', code?.id ?? ''])
    assert.deepEqual([again.status, again.stdout], [0, 'größe\n'], again.stderr)
    assert.match(again.stderr, /^made there, as the former one is gone; release it: cgpu runtime release there$/m)
  })

  it('is cleared when agreed', async () => {
    assertRefused(await bench.cli(['history', 'clear']), 64)
    const all = (await bench.data<Item[]>(['history', 'list', '--limit', '0'])).length
    assert.deepEqual(await bench.data(['history', 'clear', '--before', '1h']), {cleared: 0, kept: all})
    assert.deepEqual(await bench.data(['history', 'clear', '--yes']), {cleared: all, kept: 0})
    assert.deepEqual(await bench.data(['history', 'list']), [])
    assert.equal(await kept(), '')
  })
})

import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {cgpuBin} from '../helpers/cli.ts'
import {Terminal} from '../helpers/terminal.ts'
import {Watched} from '../helpers/watched.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

/** Each with the status that it ends with. */
const commands: [args: string[], status: number][] = [
  [['--help'], 0], [['run', '--help'], 0], [['help', 'exit-codes'], 0], [['runtime', 'list'], 0], [['run', '-r', 'there', '--', 'echo', 'hi'], 0],
  [['exec', '-r', 'there', 'print(6 * 7)'], 0], [['exec', '-r', 'there', '1 / 0'], 1], [['cp', 'a.txt', 'there:b.txt'], 0], [['doctor'], 0],
  [['config', 'list'], 0], [['job', 'list'], 0], [['nope'], 127], [['run', '--nope'], 64],
]

describe('where nobody wants more than text', function () {
  this.timeout(120_000)
  let bench: Workbench
  before(async function () {
    this.timeout(60_000)
    bench = await workbench()
    await bench.data(['runtime', 'create', '--name', 'there'])
    await bench.file('a.txt', 'a')
  })
  after(() => bench.remove())

  /** What `cgpu … | head` prints, its status behind it, and what it says. */
  async function headOf(args: string, of = '-1'): Promise<{stdout: string; stderr: string}> {
    const child = spawn('bash', ['-c', `"$0" -- "$1" ${args} | head ${of}; echo "\${PIPESTATUS[0]}"`, process.execPath, cgpuBin], {cwd: bench.home.cwd, env: bench.home.env})
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    await once(child, 'close')
    return {stdout, stderr}
  }

  for (const [what, env] of [
    ['not a terminal', {NO_COLOR: ''}],
    ['NO_COLOR', {NO_COLOR: '1', TERM: 'xterm-256color'}],
    ['TERM=dumb', {NO_COLOR: '', TERM: 'dumb'}],
    ['20 columns', {NO_COLOR: '', COLUMNS: '20', OCLIF_COLUMNS: '20'}],
    ['the C locale', {NO_COLOR: '', LANG: 'C', LC_ALL: 'C'}],
  ] as const) {
    it(`row 46: ${what}: every command writes plain lines`, async () => {
      for (const [args, status] of commands) {
        const done = await bench.cli(args, {env})
        const told = `${args.join(' ')}\n${done.stdout}\n${done.stderr}`
        assert.equal(done.status, status, told)
        // a traceback's colours are the kernel's, and go as they came
        if (args[0] !== 'exec' || status === 0) assert.doesNotMatch(done.stdout + done.stderr, control, told)
        assert.doesNotMatch(done.stderr, /^\s+at .*:\d+:\d+|a bug in cgpu/m, told)
      }
    })
  }

  for (const [what, env] of [['NO_COLOR', {NO_COLOR: '1'}], ['TERM=dumb', {TERM: 'dumb'}]] as const) {
    it(`row 46: a terminal of 20 columns with ${what}: plain lines there too`, async () => {
      for (const [args, status] of commands.slice(3)) {
        const terminal = new Terminal(args, {home: bench.home, cols: 20, env})
        const {exitCode} = await terminal.exit
        assert.equal(exitCode, status, terminal.output)
        if (args[0] !== 'exec' || status === 0) assert.doesNotMatch(terminal.output.replaceAll('\r\n', '\n'), control, `${args.join(' ')}\n${JSON.stringify(terminal.output)}`)
      }
    })
  }

  it('row 46: a terminal of 20 columns with colours: nothing breaks', async () => {
    for (const [args, status] of commands) {
      const terminal = new Terminal(args, {home: bench.home, cols: 20})
      assert.equal((await terminal.exit).exitCode, status, `${args.join(' ')}\n${terminal.output}`)
      assert.doesNotMatch(terminal.output, /a bug in cgpu|\bat .*:\d+:\d+/)
    }
  })

  it('row 45: a reader that has seen enough ends who follows a job, and the job goes on; the program of a run ends with it', async () => {
    const go = join(bench.home.cwd, 'go')
    const code = `import os, time\nprint('first', flush=True)\nwhile not os.path.exists(${JSON.stringify(go)}):\n    print('more', flush=True); time.sleep(0.02)\nprint('last')`
    await bench.file('code.py', code)
    const job = (id: string) => bench.data<{id: string; state: string; signal: string | null}[]>(['job', 'list', '-r', 'there']).then((all) => all.find((one) => one.id === id))

    const ended = await headOf('run -r there code.py')
    assert.equal(ended.stdout, 'first\n141\n')
    assert.equal(ended.stderr, 'error: left; nobody reads the output any more, so that the program on there is ended\n')

    const running = Watched.cgpu(['run', '-r', 'there', '--output', 'ndjson', 'code.py'], {home: bench.home})
    await running.shows('stdout', /"type":"stdout"/)
    const id = /"id":"([\w-]+)"/.exec(running.stdout)?.[1] ?? ''
    const followed = await headOf(`job attach ${id} -r there`)
    assert.equal(followed.stdout, 'first\n141\n')
    assert.match(followed.stderr, /^error: left; the job goes on on there/)
    assert.equal((await job(id))?.state, 'running')
    // a log that was read is as it was
    assert.deepEqual(await headOf(`logs ${id} -f`), {stdout: 'first\n141\n', stderr: ''})
    await bench.file('go', '')
    assert.equal((await running.exit).status, 0, running.stderr)
    assert.equal((await job(id))?.state, 'exited')
  })

  it('row 45: and so does one of an exec, of a list and of JSON', async () => {
    for (const [args, status] of [['exec -r there "for i in range(100000): print(i)"', '141'], ['runtime list', '0'], ['runtime list --json', '0'], ['schema run', '0']] as const) {
      const {stdout, stderr} = await headOf(args, '-c 1 >/dev/null')
      assert.equal(stdout.trim(), status, `${args}\n${stderr}`)
      // what goes on without its reader is told
      assert.equal(stderr, args.startsWith('exec') ? 'error: left; the code goes on on there\n' : '')
    }
  })
})

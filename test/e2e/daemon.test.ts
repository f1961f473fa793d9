import assert from 'node:assert/strict'
import {join} from 'node:path'
import type {CliResult} from '../helpers/cli.ts'
import {type DaemonBed, daemonBed, patience} from '../helpers/daemon-bed.ts'
import {untilThere} from '../helpers/gate.ts'
import {assertRefused} from '../helpers/workbench.ts'

/** What differs between two runs of the same code anyway. */
function plain({status, stdout, stderr}: CliResult): [status: number | null, stdout: string, stderr: string] {
  const same = (text: string): string => text
    .replaceAll(/"durationSeconds":[\d.e-]+/g, '"durationSeconds":0')
    .replaceAll(/0m[0-9a-z]{7}-[0-9a-f]{10}/g, 'ID')
    .replaceAll(/"ts":"[^"]+"/g, '"ts":""')
    .replaceAll(/cgpu-\w+-\d+-\d+\.png/g, 'cgpu-ID.png')
    .replaceAll(/(ipykernel_\d+|ipython-input-[\d-]+\w*)/g, 'KERNEL')
    .replaceAll(/KERNEL\/\d+\.py/g, 'KERNEL')
    .replaceAll(/0x[0-9a-f]{6,}/g, '0x')
  return [status, same(stdout), same(stderr)]
}

describe('cgpu exec by the daemon', function () {
  this.timeout(60_000)
  let bed: DaemonBed
  let executions = 0
  before(async () => {
    bed = await daemonBed()
    Object.assign(bed.home.env, patience)
    await bed.start()
    // IPython says once in a kernel's life how to leave it
    await bed.cli(['exec', 'import warnings; warnings.simplefilter("ignore")'])
    executions = (await bed.status()).executions
  })
  after(() => bed.remove())

  const display = 'from IPython.display import display, HTML\ndisplay(HTML("<b>x</b>")); {"a": 1}'
  const cases: [args: string[], options?: {input?: string; env?: Record<string, string>; byDaemon?: boolean}][] = [
    [['1 + 1']], [['print("out"); import sys; print("err", file=sys.stderr)']], [['-r', 'there', '2']], [['--runtime=th', '3']],
    [['print("ü" * 100_000)']], [['1/0']], [['1/0', '--json']], [['1 + 1', '--json']], [['print(1); 2', '--output', 'ndjson']], [['1/0', '--output=ndjson']],
    [['import sys; sys.exit(3)']], [['import sys; sys.exit("no luck")', '-q']], [['import sys; sys.exit(4)', '--json']],
    [[display]], [[display, '--json']], [[display, '--output', 'ndjson']],
    [['input("name? ") + input()'], {input: 'Ada\nLovelace\n'}], [['input()'], {input: ''}], [['input()', '--json'], {input: 'x\n'}],
    [['--new-kernel', 'x = 1; x']], [['--kernel', 'python3', '5']], [['--kernel', 'klingon', '5']], [['--kernel', 'klingon', '5', '--json']], [['--kernel', 'klingon', '5', '--output', 'ndjson']],
    [['-r', 'nobody', '1']], [['-r', 'nobody', '1', '--output', 'ndjson']], [['1'], {env: {CGPU_RUNTIME: 'nobody'}}], [['1'], {env: {CGPU_RUNTIME: 'there'}}],
    [['--timeout', '100ms', 'import time\nwhile True: time.sleep(0.01)']], [['--timeout', '100ms', 'import time\nwhile True: time.sleep(0.01)', '--json']],
    [['-f', 'cell.py']], [['1'], {env: {CGPU_KERNEL: 'klingon'}}], [['1'], {env: {CGPU_GPU: '\u001b', CGPU_PROFILE: 'none'}}],
    // by the command itself
    [['-'], {input: '7', byDaemon: false}], [['--timeout', 'soon', '1'], {byDaemon: false}], [['-f', 'missing.py'], {byDaemon: false}], [['--bad', '1'], {byDaemon: false}],
    [['1', '--secret', 'HF_TOKEN'], {byDaemon: false}], [['1'], {env: {CGPU_TOKEN: 'ya29.x'}, byDaemon: false}], [['1'], {env: {HTTPS_PROXY: 'http://127.0.0.1:9'}, byDaemon: false}],
  ]
  for (const [args, {input, env = {}, byDaemon = true} = {}] of cases) {
    it(`is the same as without: exec ${JSON.stringify(args).slice(1, -1).slice(0, 100)} ${JSON.stringify(env)}`, async () => {
      await bed.file('cell.py', 'print("from a file")\n2 ** 10\n')
      const options = input === undefined ? {} : {input}
      const quick = await bed.cli(['exec', ...args], {...options, env})
      const {executions: now} = await bed.status()
      const direct = await bed.cli(['exec', ...args], {...options, env: {...env, CGPU_DAEMON: 'off'}})
      assert.deepEqual(plain(quick), plain(direct))
      assert.equal(now - executions, byDaemon ? 1 : 0, 'who ran it')
      executions = now
    })
  }

  it('keeps variables, and shares them with commands that go without it', async () => {
    await bed.cli(['exec', 'kept = 41'])
    assert.equal((await bed.cli(['exec', 'kept += 1'], {env: {CGPU_DAEMON: 'off'}})).status, 0)
    assert.equal((await bed.cli(['exec', 'kept'])).stdout, '42\n')
  })

  it('serves two at once, and sees settings as they are now', async () => {
    const both = await Promise.all(['a', 'b'].map((name) => bed.cli(['exec', '--new-kernel', `import time; time.sleep(0.3); print("${name}")`])))
    assert.deepEqual(both.map(({stdout}) => stdout), ['a\n', 'b\n'])
    await bed.cli(['config', 'set', 'kernel', 'klingon'])
    assertRefused(await bed.cli(['exec', '1']), 66)
    await bed.cli(['config', 'unset', 'kernel'])
    const before = await bed.status()
    await bed.cli(['config', 'set', 'daemon', 'off'])
    assert.equal((await bed.cli(['exec', '1'], {env: {CGPU_DAEMON: ''}})).stdout, '1\n')
    await bed.cli(['config', 'unset', 'daemon'])
    assert.equal((await bed.status()).executions, before.executions)
  })

  it('is interrupted by Ctrl-C, and left by a second one', async () => {
    const loop = 'import time; print("up", flush=True)\nwhile True: time.sleep(0.01)'
    const stopped = await bed.cli(['exec', loop], {signalAfter: {signal: 'SIGINT', stream: 'stdout', match: /up/}})
    assert.equal(stopped.status, 130)
    assert.match(stopped.stderr, /^interrupting; Ctrl-C again leaves\n[\s\S]*KeyboardInterrupt/)
    // who waited for the code would wait for ever
    const left = await bed.cli(['exec', `print("up", flush=True)\n${untilThere(join(bed.home.cwd, 'was-left'))}\nleft = 1`], {signalAfter: {signal: 'SIGTERM', stream: 'stdout', match: /up/}})
    assert.equal(left.status, 143)
    assert.match(left.stderr, /^error: left; the code goes on on there\n/)
    await bed.file('was-left', '')
    assert.equal((await bed.cli(['exec', 'left'])).stdout, '1\n')
  })
})

import assert from 'node:assert/strict'
import {existsSync, readdirSync} from 'node:fs'
import {join} from 'node:path'
import {untilThere} from '../helpers/gate.ts'
import {startJupyter, type TestJupyter} from '../helpers/jupyter-server.ts'
import {screen, Terminal} from '../helpers/terminal.ts'
import {workbench, type Workbench} from '../helpers/workbench.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const image = `from IPython.display import Image, display\nimport base64\ndisplay(Image(base64.b64decode("${png}")))`

describe('exec on a terminal', function () {
  this.timeout(40_000) // what waits in here gives up after 20 s, and says why
  let bench: Workbench
  let jupyter: TestJupyter
  const exec = (code: string, env: Record<string, string> = {}): Terminal => new Terminal(['exec', '-r', 'bed', code], {home: bench.home, env})

  before(async () => {
    bench = await workbench()
    jupyter = await startJupyter({env: {CGPU_AGENT_HOME: join(bench.home.path, 'agent')}})
    await bench.cli(['runtime', 'add', jupyter.url, '--token-stdin', '--name', 'bed'], {input: jupyter.token})
  })
  after(async () => {
    await jupyter?.stop()
    await bench?.remove()
  })

  it('Ctrl-C once interrupts the code, shows KeyboardInterrupt, and the kernel lives', async () => {
    const first = exec('x = 41\nprint("on", flush=True)\nimport time\ntime.sleep(600)')
    await first.shows(/on\r\n/)
    first.interrupt()
    assert.equal((await first.exit).exitCode, 130)
    assert.match(first.output, /KeyboardInterrupt/)
    const second = exec('print(x + 1)')
    assert.equal((await second.exit).exitCode, 0)
    assert.match(second.output, /42/)
  })

  it('Ctrl-C twice leaves the code', async () => {
    const deaf = untilThere(join(bench.home.cwd, 'heard'))
    const code = exec(`import signal\nold = signal.signal(signal.SIGINT, lambda *_: print("asked", flush=True))\nprint("on", flush=True)\n${deaf}\nsignal.signal(signal.SIGINT, old)`)
    await code.shows(/on\r\n/)
    code.interrupt()
    await code.shows(/Ctrl-C again leaves/)
    // one that came when the code is over would interrupt the next
    await code.shows(/asked\r\n/)
    code.interrupt()
    assert.equal((await code.exit).exitCode, 130)
    assert.match(code.output, /the code goes on on bed/)
    await bench.file('heard', '') // the kernel is the next test's, too
  })

  it('input() is answered on the terminal, a password without echo', async () => {
    const code = exec('import getpass\nname = input("name? ")\nprint("hello", name)\nprint("length", len(getpass.getpass("secret? ")))')
    await code.shows(/name\? /)
    code.type('ada\r')
    await code.shows(/hello ada/)
    await code.shows(/secret\? /)
    code.type('hunter22\r')
    await code.shows(/length 8/)
    assert.equal((await code.exit).exitCode, 0)
    assert.doesNotMatch(code.output, /hunter22/)
  })

  it('Ctrl-C at a prompt ends it', async () => {
    const code = exec('input("name? ")')
    await code.shows(/name\? /)
    code.interrupt()
    assert.equal((await code.exit).exitCode, 130)
  })

  it('control sequences of remote output are made inert', async () => {
    const code = exec(String.raw`print("\x1b]52;c;aGFjaw==\x07clip \x1b[2J\x1b[Hmoved \x1b[31mred\x1b[0m \x1b[6nend")`)
    assert.equal((await code.exit).exitCode, 0)
    assert.match(code.output, /␛\]52;c;aGFjaw==/)
    assert.match(code.output, /\x1b\[31mred\x1b\[0m/)
    assert.doesNotMatch(code.output, /\x1b\]52|\x1b\[2J|\x1b\[H|\x1b\[6n/)
  })

  it('a control sequence in a prompt, an error and a traceback is made inert too', async () => {
    const code = exec(String.raw`raise ValueError(input("\x1b]52;c;eA==\x07name? ") + "\x1b]0;title\x07")`)
    await code.shows(/name\? /)
    code.type('x\r')
    assert.equal((await code.exit).exitCode, 1)
    assert.doesNotMatch(code.output, /\x1b\]/)
  })

  it('images appear in kitty and iTerm2, and are saved where no terminal can show them', async () => {
    const kitty = exec(image, {TERM: 'xterm-kitty'})
    assert.equal((await kitty.exit).exitCode, 0)
    assert.match(kitty.output, /\x1b_Ga=T,f=100,m=0;iVBOR/)
    const iterm = exec(image, {TERM_PROGRAM: 'iTerm.app'})
    assert.equal((await iterm.exit).exitCode, 0)
    assert.match(iterm.output, /\x1b\]1337;File=inline=1/)
    assert.deepEqual(readdirSync(bench.home.cwd).filter((name) => name.endsWith('.png')), [])
    const plain = exec(image)
    assert.equal((await plain.exit).exitCode, 0)
    const saved = /saved (\S+\.png)/.exec(screen(plain.output).join('\n'))?.[1] ?? ''
    assert.ok(existsSync(join(bench.home.cwd, saved)), plain.output)
  })
})

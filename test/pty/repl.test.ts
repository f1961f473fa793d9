import assert from 'node:assert/strict'
import {statSync} from 'node:fs'
import {readdir} from 'node:fs/promises'
import {join} from 'node:path'
import {type ChaosProxy, startChaos} from '../helpers/chaos.ts'
import {untilThere} from '../helpers/gate.ts'
import {startJupyter, type TestJupyter} from '../helpers/jupyter-server.ts'
import {Screen} from '../helpers/screen.ts'
import {Terminal} from '../helpers/terminal.ts'
import {workbench, type Workbench} from '../helpers/workbench.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const [up, left, home, ctrlR, ctrlD, altEnter, backspace] = ['\x1b[A', '\x1b[D', '\x1b[H', '\x12', '\x04', '\x1b\r', '\x7f']

describe('the REPL on a terminal', function () {
  this.timeout(60_000) // what waits in here gives up after 15 or 20 s, and says why
  let bench: Workbench
  let jupyter: TestJupyter
  let chaos: ChaosProxy
  const open: Terminal[] = []

  const start = async (args: string[] = ['repl', 'bed'], env: Record<string, string> = {}): Promise<{terminal: Terminal; screen: Screen}> => {
    const terminal = new Terminal(args, {home: bench.home, env})
    open.push(terminal)
    const screen = new Screen(terminal)
    await screen.until((s) => /^bed[^>]*>$/.test(s.cursor().line))
    return {terminal, screen}
  }
  const prompts = (screen: Screen): number => screen.lines().filter((line) => /^bed[^>]*>/.test(line)).length
  /** types it, and waits for the next prompt */
  const enter = async ({terminal, screen}: {terminal: Terminal; screen: Screen}, text: string): Promise<void> => {
    const before = prompts(screen)
    terminal.type(text)
    await screen.until((s) => prompts(s) > before && /^bed[^>]*>$/.test(s.cursor().line))
  }
  const prompt = (screen: Screen): Promise<void> => screen.until((s) => /^bed[^>]*>$/.test(s.cursor().line))
  const leave = async (terminal: Terminal): Promise<void> => {
    terminal.type(ctrlD)
    assert.equal((await terminal.exit).exitCode, 0)
  }

  before(async () => {
    bench = await workbench()
    jupyter = await startJupyter({env: {CGPU_AGENT_HOME: join(bench.home.path, 'agent')}})
    chaos = await startChaos(jupyter.port)
    await bench.cli(['runtime', 'add', chaos.url(), '--token-stdin', '--name', 'bed'], {input: jupyter.token})
  })
  afterEach(() => {
    for (const terminal of open.splice(0)) terminal.pty.kill('SIGKILL')
  })
  after(async () => {
    await chaos?.close()
    await jupyter?.stop()
    await bench?.remove()
  })

  it('edits a line, runs it, shows its value in colours, and leaves by Ctrl-D', async () => {
    const {terminal, screen} = await start()
    terminal.type(`int(4)${left}${backspace}x${backspace}42${home}str(\x05)`)
    await screen.until((s) => s.cursor().line === 'bed> str(int(42))' && s.cursor().column === 17)
    terminal.type('\r')
    await screen.until((s) => s.lines().includes("'42'"))
    await prompt(screen)
    terminal.type('def f(): return "x"')
    await terminal.shows(/\x1b\[33mdef\x1b\[39m f\(\): \x1b\[33mreturn\x1b\[39m \x1b\[32m"x"\x1b\[39m/)
    await enter({terminal, screen}, '\x03')
    await leave(terminal)
    assert.match((await bench.cli(['kernel', 'list'])).stdout, /default/, 'the kernel goes on')
  })

  it('goes on with a line that is not whole, and takes pasted lines as they are', async () => {
    const {terminal, screen} = await start()
    terminal.type('for n in range(2):\r')
    await screen.until((s) => s.cursor().column === 9 && s.cursor().line.trim() === '...')
    terminal.type('print("n is", n)\r\r')
    await screen.until((s) => s.lines().includes('n is 1'))
    await prompt(screen)
    terminal.type('\x1b[200~if True:\r\n    a = 1\r\n\r\n    print("pasted", a)\x1b[201~')
    await screen.until((s) => s.cursor().line.endsWith('print("pasted", a)'))
    assert.ok(!screen.lines().includes('pasted 1'), 'not before Enter')
    terminal.type(`\r\r`)
    await screen.until((s) => s.lines().includes('pasted 1'))
    await prompt(screen)
    terminal.type(`"one"${altEnter}"two"${up}\x05 + "1"\x1b[1;5F\r`)
    await screen.until((s) => s.lines().includes("'two'"))
    await leave(terminal)
  })

  it('keeps what was typed for the next time, without secrets, and finds it', async () => {
    const first = await start()
    await enter(first, 'marker = "needle in the hay"\r')
    await enter(first, 'password = "hunter2-very-secret"\r')
    first.terminal.type(`"last"\r`)
    await first.screen.until((s) => s.lines().includes("'last'"))
    await leave(first.terminal)
    const {terminal, screen} = await start()
    terminal.type(up + up)
    await screen.until((s) => s.cursor().line.includes('password = [redacted]'))
    await enter({terminal, screen}, '\x03')
    terminal.type(`${ctrlR}needle`)
    await screen.until((s) => s.cursor().line === '(search) needle: marker = "needle in the hay"')
    await enter({terminal, screen}, `\x05.upper()\r`)
    terminal.type('marker\r')
    await screen.until((s) => s.lines().includes("'NEEDLE IN THE HAY'"))
    await leave(terminal)
    const folder = join(bench.home.dataDir, 'state', 'history')
    for (const name of await readdir(folder)) if (name.endsWith('.jsonl')) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
  })

  it('completes by the kernel, and explains names', async () => {
    const {terminal, screen} = await start()
    await enter({terminal, screen}, 'alpha_beta = 7\r')
    terminal.type('alpha_b\t')
    await screen.until((s) => s.cursor().line === 'bed> alpha_beta')
    terminal.type(' + 1\r')
    await screen.until((s) => s.lines().includes('8'))
    await prompt(screen)
    terminal.type('"".is\t')
    // they are drawn first, and then the line
    await screen.until((s) => s.lines().some((line) => line.includes('isalpha')) && s.cursor().line === 'bed> "".is')
    await enter({terminal, screen}, '\x03')
    await enter({terminal, screen}, 'def documented():\r"says what"\rreturn 1\r\r')
    terminal.type('documented?\r')
    await terminal.shows(/Docstring:.*says what/)
    await prompt(screen)
    terminal.type('documented??\r')
    await terminal.shows(/Source:/)
    await prompt(screen)
    terminal.type('nobody?\r')
    await terminal.shows(/nothing is known of nobody/)
    await leave(terminal)
  })

  it('puts what %load reads, or code asks for, where the next line is typed, as harmless text', async () => {
    const {terminal, screen} = await start()
    await enter({terminal, screen}, 'open("loaded.py", "w").write("x = 20\\nx + 1  # \\x1b]0;title\\x07\\n")\r')
    terminal.type('%load loaded.py\r')
    await screen.until((s) => s.cursor().line.endsWith('x + 1  # ]0;title'))
    assert.ok(screen.lines().includes('bed> # %load loaded.py'), screen.lines().join('\n'))
    terminal.type('\r')
    await screen.until((s) => s.lines().includes('21'))
    await prompt(screen)
    await enter({terminal, screen}, '1\r')
    assert.equal(screen.cursor().line, 'bed>', 'once')
    await leave(terminal)
  })

  it('runs what is written in a person\'s own editor, and recalls it', async () => {
    const editor = await bench.file('editor', '#!/bin/sh\nprintf "editing> "\nread line\necho "$line" >> "$1"\n', 0o755)
    const {terminal, screen} = await start(['repl', 'bed'], {VISUAL: editor, EDITOR: ''})
    terminal.type('%edit\r')
    await screen.until((s) => s.cursor().line.endsWith('editing>'))
    terminal.type('written = 6 * 7; written\r')
    await screen.until((s) => s.lines().includes('42'))
    await prompt(screen)
    terminal.type('%edit -p\r')
    await screen.until((s) => s.cursor().line.endsWith('editing>'))
    terminal.type('written + 1\r')
    await screen.until((s) => s.lines().includes('43'))
    await prompt(screen)
    terminal.type(up)
    await screen.until((s) => s.cursor().line.endsWith('written + 1'))
    await enter({terminal, screen}, '\x03')
    await enter({terminal, screen}, '%edit some.py\r')
    assert.ok(screen.lines().join('').includes('cgpu fs edit bed:FILE'), screen.lines().join('\n'))
    await leave(terminal)
  })

  it('Ctrl-C clears the line, interrupts what runs, and twice leaves it', async () => {
    const {terminal, screen} = await start()
    terminal.type('never_run')
    await screen.until((s) => s.cursor().line === 'bed> never_run')
    terminal.interrupt()
    await prompt(screen)
    terminal.type('import time; print("on"); time.sleep(600)\r')
    await screen.until((s) => s.lines().includes('on'))
    terminal.interrupt()
    await terminal.shows(/KeyboardInterrupt/)
    await prompt(screen)
    terminal.type('6 * 7\r')
    await screen.until((s) => s.lines().includes('42'))
    await prompt(screen)
    const deaf = untilThere(join(bench.home.cwd, 'heard'))
    terminal.type(`import signal; old = signal.signal(signal.SIGINT, lambda *_: print("as" + "ked")); print("deaf"); ${deaf}; _ = signal.signal(signal.SIGINT, old)\r`)
    await screen.until((s) => s.lines().includes('deaf'))
    terminal.interrupt()
    await terminal.shows(/interrupting; Ctrl-C again leaves/)
    // one that came when the code is over would interrupt the next
    await screen.until((s) => s.lines().includes('asked'))
    terminal.interrupt()
    assert.equal((await terminal.exit).exitCode, 130)
    assert.match(terminal.output, /the code goes on on bed/)
    assert.ok(terminal.output.endsWith('\n'))
    await bench.file('heard', '') // the kernel is the next test's, too
  })

  it('answers input() and getpass', async () => {
    const {terminal, screen} = await start()
    terminal.type('print("before", end=""); name = input("name? "); import getpass; len(getpass.getpass("secret? ")), name\r')
    // the question may come before what was printed before it, which has a way of its own
    await screen.until((s) => s.cursor().line === 'name?' && s.lines().includes('before'))
    terminal.type(`adam${backspace}\r`)
    await screen.until((s) => s.cursor().line === 'secret?')
    terminal.type('hunter22\r')
    await screen.until((s) => s.lines().includes("(8, 'ada')"))
    assert.doesNotMatch(terminal.output, /hunter22/)
    await prompt(screen)
    terminal.type('input("more? ")\r')
    await screen.until((s) => s.cursor().line === 'more?')
    terminal.interrupt()
    await terminal.shows(/KeyboardInterrupt/)
    await prompt(screen)
    terminal.type('input("end? ")\r')
    await screen.until((s) => s.cursor().line === 'end?')
    terminal.type(ctrlD)
    await terminal.shows(/EOFError/)
    await leave(terminal)
  })

  it('shows an image, and nothing of what runs moves, copies or renames the terminal', async () => {
    const {terminal, screen} = await start(['repl', 'bed'], {TERM: 'xterm-kitty'})
    terminal.type(`from IPython.display import Image; import base64; Image(base64.b64decode("${png}"))\r`)
    await terminal.shows(/\x1b_Ga=T,f=100,m=0;iVBOR/)
    await prompt(screen)
    const before = terminal.output.length
    terminal.type(String.raw`print("\x1b]52;c;aGFjaw==\x07 \x1b]0;hacked\x07 \x1b[2J\x1b[6n done")` + '\r')
    await terminal.shows(/␛\]52;c;aGFjaw==.*done/)
    await prompt(screen)
    await enter({terminal, screen}, String.raw`type("evil", (), {"__dir__": lambda self: ["a\x1b]0;x\x07", "\x1b[2J"], "__doc__": "\x1b]0;hacked\x07doc"})()?` + '\r')
    await enter({terminal, screen}, String.raw`v = type("evil", (), {"__doc__": "\x1b]0;hacked\x07doc"})` + '\r')
    terminal.type('v?\r')
    await terminal.shows(/␛\]0;hacked/)
    await prompt(screen)
    terminal.type(String.raw`raise ValueError(input("\x1b]0;hacked\x07? "))` + '\r')
    await screen.until((s) => s.cursor().line === String.raw`\x1b]0;hacked\x07?`)
    terminal.type('\x1b[200~\x1b]0;pasted\x07\x1b[201~\r')
    await terminal.shows(/ValueError/)
    await prompt(screen)
    assert.doesNotMatch(terminal.output.slice(before), /\x1b\]|\x1b\[2J|\x1b\[6n/)
    assert.equal(screen.title, '')
    await leave(terminal)
  })

  it('survives a cut link, while it waits and while code runs', async () => {
    const {terminal, screen} = await start()
    await enter({terminal, screen}, 'kept = 12\r')
    terminal.type('half ty')
    await screen.until((s) => s.cursor().line === 'bed> half ty')
    chaos.rstAll()
    await terminal.shows(/connected again/)
    await screen.until((s) => s.cursor().line === 'bed> half ty')
    await enter({terminal, screen}, '\x03')
    terminal.type('import time\rfor n in range(30): print("line", n); time.sleep(0.05)\r\r')
    await screen.until((s) => s.lines().includes('line 5'))
    chaos.rstAll()
    await screen.until((s) => s.lines().includes('line 29'))
    await prompt(screen)
    const printed = screen.lines().filter((line) => /^line \d+$/.test(line))
    assert.deepEqual(printed, Array.from({length: 30}, (_, n) => `line ${n}`))
    terminal.type('kept\r')
    await screen.until((s) => s.lines().includes('12'))
    await leave(terminal)
  })

  it('two at once share variables, and an attached one sees what the other runs, marked', async () => {
    const one = await start()
    const two = await start(['kernel', 'attach', '-r', 'bed'])
    two.terminal.type('half ')
    await two.screen.until((s) => s.cursor().line === 'bed> half')
    one.terminal.type('shared = 3; print("from one")\r')
    await two.screen.until((s) => s.lines().includes('| from one'))
    assert.ok(two.screen.lines().includes('other> shared = 3; print("from one")'), two.screen.lines().join('\n'))
    await two.screen.until((s) => s.cursor().line === 'bed> half')
    two.terminal.type('\x03shared + 1\r')
    await two.screen.until((s) => s.lines().includes('4'))
    assert.ok(!one.screen.lines().includes('4'))
    await bench.cli(['exec', '1/0'])
    await two.screen.until((s) => s.lines().some((line) => line.startsWith('| ZeroDivisionError')))
    await leave(two.terminal)
    await leave(one.terminal)
  })

  it('says that somebody restarted the kernel, and what was lost, before new code runs', async () => {
    const {terminal, screen} = await start()
    await enter({terminal, screen}, 'here = 1\r')
    const elsewhere = await workbench()
    try {
      await elsewhere.cli(['runtime', 'add', jupyter.url, '--token-stdin', '--name', 'bed'], {input: jupyter.token})
      assert.equal((await elsewhere.cli(['kernel', 'restart'])).status, 0)
      await terminal.shows(/the kernel default on bed was restarted since it was last used from here: its variables and imports are gone \(\d+ cells? had run in it\)/)
      await prompt(screen)
      terminal.type('"here" in globals()\r')
      await screen.until((s) => s.lines().includes('False'))
      assert.equal(terminal.output.split('was restarted').length, 2, 'once')
      await leave(terminal)
    } finally {
      await elsewhere.remove()
    }
  })

  it('ends with an attached kernel that is gone, and goes on with another one where it is the default', async () => {
    assert.equal((await bench.cli(['kernel', 'start', 'short'])).status, 0)
    const attached = await start(['kernel', 'attach', 'short', '-r', 'bed'])
    const named = await start(['repl', 'bed', '--kernel', 'short'])
    await enter(attached, 'x = 1\r')
    await enter(named, 'x\r')
    assert.equal((await bench.cli(['kernel', 'shutdown', 'short', '--yes'])).status, 0)
    attached.terminal.type('x\r')
    assert.equal((await attached.terminal.exit).exitCode, 71)
    assert.match(attached.terminal.output, /error: the kernel on bed died/)
    assert.equal((await bench.cli(['kernel', 'start', 'short'])).status, 0)
    named.terminal.type('"x" in globals()\r')
    await named.screen.until((s) => s.lines().includes('False'))
    await leave(named.terminal)
  })

  it('leaves by a signal, with the terminal as it was', async () => {
    const {terminal, screen} = await start()
    terminal.type('half')
    await screen.until((s) => s.cursor().line === 'bed> half')
    process.kill(terminal.pty.pid, 'SIGTERM')
    assert.equal((await terminal.exit).exitCode, 143)
    assert.ok(terminal.output.lastIndexOf('\x1b[?2004l') > terminal.output.lastIndexOf('\x1b[?2004h'), 'no marks around what is pasted into the shell')
  })

  it('switches between kernels', async () => {
    assert.equal((await bench.cli(['kernel', 'start', 'lab'])).status, 0)
    const {terminal, screen} = await start()
    await enter({terminal, screen}, 'where = "default"\r')
    terminal.type(':kernel lab\r')
    await screen.until((s) => s.cursor().line === 'bed:lab>')
    terminal.type('"where" in globals()\r')
    await screen.until((s) => s.lines().includes('False'))
    await prompt(screen)
    terminal.type(':kernel nobody\r')
    await terminal.shows(/error: bed has no kernel "nobody"/)
    await screen.until((s) => s.cursor().line === 'bed:lab>')
    terminal.type(':kernel default\r')
    await screen.until((s) => s.cursor().line === 'bed>')
    terminal.type('where\r')
    await screen.until((s) => s.lines().includes("'default'"))
    await prompt(screen)
    terminal.type(':help\r')
    await terminal.shows(/Ctrl-D +leaves/)
    await prompt(screen)
    terminal.type('exit\r')
    assert.equal((await terminal.exit).exitCode, 0)
  })
})

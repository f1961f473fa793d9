import assert from 'node:assert/strict'
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {screen, Terminal} from '../helpers/terminal.ts'
import {startChaos, type ChaosProxy} from '../helpers/chaos.ts'
import {jupyterFor, until, type Workbench, workbench} from '../helpers/workbench.ts'

const vim = ['/usr/bin/vim', '/usr/bin/vim.tiny', '/usr/local/bin/vim'].find((path) => existsSync(path))
const detach = '\x1dd'

describe('a terminal on a runtime', function () {
  this.timeout(40_000) // what waits in here gives up after 20 s, and says why
  let bench: Workbench
  let chaos: ChaosProxy
  let folder: string
  let count = 0
  const open: Terminal[] = []
  const fresh = (): string => `t${++count}`
  const shell = (args: readonly string[], {env = {}, cols}: {env?: Record<string, string>; cols?: number} = {}): Terminal => {
    const terminal = new Terminal(['shell', 'there', ...args], {home: bench.home, env: {PS1: '', ...env}, ...(cols === undefined ? {} : {cols})})
    open.push(terminal)
    return terminal
  }
  /** a plain sh with a prompt of its own */
  const work = async (name = fresh(), options: Parameters<typeof shell>[1] = {}): Promise<Terminal> => {
    const terminal = shell(['-s', name, '--', 'env', 'PS1=ready> ', 'sh'], options)
    await terminal.shows(/ready> $/)
    return terminal
  }

  before(async () => {
    bench = await workbench()
    const server = await jupyterFor(bench)
    folder = server.root
    chaos = await startChaos(server.port)
    bench.onRemove(() => chaos.close())
    const added = await bench.cli(['runtime', 'add', chaos.url(), '--token-stdin', '--name', 'there'], {input: server.token})
    assert.equal(added.status, 0, added.stderr)
  })
  afterEach(() => {
    chaos.mode = 'pass'
    chaos.refuse(false)
    for (const terminal of open.splice(0)) terminal.pty.kill('SIGKILL')
  })
  after(async () => {
    for (const {name} of await bench.data<{name: string}[]>(['shell', 'there', '--list'])) await bench.cli(['shell', 'there', '--kill', name])
    await bench.remove()
  })

  it('echoes, knows colours and its size, and ends with the status of the shell', async () => {
    const terminal = await work(fresh(), {env: {TERM: 'xterm', COLORTERM: 'truecolor'}, cols: 91})
    assert.match(terminal.output, /^terminal t\d+ on there; Ctrl-\] d leaves it running\r\n/)
    terminal.type('stty size; echo $TERM,$COLORTERM; printf "gr\\303\\274\\303\\237e \\342\\202\\254\\n"\r')
    await terminal.shows(/24 91\r\nxterm,truecolor\r\ngrüße €\r\n/)
    terminal.type('until [ "$(stty size)" = "33 101" ]; do sleep 0.02; done; echo resized\r')
    terminal.pty.resize(101, 33)
    await terminal.shows(/\nresized\r\n/)
    terminal.type('exit 7\r')
    assert.equal((await terminal.exit).exitCode, 7, terminal.output)
  })

  it('a program sees Ctrl-C and Ctrl-Z, not cgpu', async () => {
    const terminal = await work()
    // from then on it, and not the shell, has the terminal
    terminal.type('sh -c "echo on; exec sleep 100"\r')
    await terminal.shows(/\non\r\n/)
    terminal.interrupt()
    await terminal.shows(/\^C[^]*ready> $/)
    terminal.type('trap "echo stopped" TSTP; printf "%s" "$(stty -a | grep -c isig)"; echo :on\r')
    await terminal.shows(/1:on\r\n/)
    terminal.type('exit\r')
    assert.equal((await terminal.exit).exitCode, 0)
  })

  it('is left with Ctrl-] d, goes on, and is shown again as it was', async () => {
    const name = fresh()
    const first = await work(name)
    first.type('echo before; (while [ ! -e go ]; do sleep 0.05; done; echo meanwhile) &\r')
    await first.shows(/before\r\n/)
    first.type(detach)
    assert.equal((await first.exit).exitCode, 0, first.output)
    assert.match(first.output, new RegExp(`the terminal goes on; see it again: cgpu shell there --session ${name}\r\n$`))
    assert.deepEqual((await bench.data<{name: string; state: string}[]>(['shell', 'there', '-l'])).filter((one) => one.name === name).map(({state}) => state), ['detached'])
    await bench.cli(['shell', 'there', '--', 'touch go'])
    const again = shell(['--attach'])
    await again.shows(/, as it was; Ctrl-\] d leaves it running\r\n[^]*before\r\n[^]*meanwhile\r\n/)
    again.type('echo now; exit\r')
    assert.equal((await again.exit).exitCode, 0, again.output)
    assert.equal(again.output.match(/\nbefore/g)?.length, 1)
  })

  it('vim opens, edits and saves a file; its screen and modes are undone when it is left, and come back', async () => {
    assert.ok(vim, 'there is no vim: node scripts/test-system.mjs')
    const name = fresh()
    const terminal = shell(['-s', name, '--', vim, '-u', 'NONE', '-N', '-c', 'silent! set mouse=a', 'poem.txt'], {env: {TERM: 'xterm-256color'}})
    await terminal.shows(/\x1b\[\?1049h[^]*poem\.txt/)
    terminal.type('iroses are red')
    await terminal.shows(/roses are red/)
    terminal.type('\x1b')
    terminal.type(detach)
    assert.equal((await terminal.exit).exitCode, 0)
    const end = terminal.output.slice(terminal.output.lastIndexOf('roses are red'))
    assert.match(end, /\x1b\[\?1049l/)
    // small ones have no mouse
    if (/\x1b\[\?100[0-3]h/.test(terminal.output)) assert.match(end, /\x1b\[\?100[0-3]l/)
    const again = shell(['-s', name])
    await again.shows(/\x1b\[\?1049h[^]*roses are red/)
    again.type('o\x1b')
    again.type(':s/^/violets are blue/\r:wq\r')
    assert.equal((await again.exit).exitCode, 0, JSON.stringify(again.output.slice(-500)))
    assert.equal(readFileSync(join(folder, 'poem.txt'), 'utf8'), 'roses are red\nviolets are blue\n')
    assert.match(again.output, /\x1b\[\?1049l/)
  })

  it('a full-screen program draws itself anew when the window changes, and sees the mouse', async () => {
    const code = `
import curses
def main(s):
    curses.mousemask(curses.ALL_MOUSE_EVENTS)
    mouse = ''
    while True:
        s.erase(); s.addstr(0, 0, 'size %d %d' % s.getmaxyx()); s.addstr(1, 0, mouse); s.refresh()
        key = s.getch()
        if key == curses.KEY_MOUSE: mouse = 'clicked %d %d' % curses.getmouse()[1:3]
        if key == ord('q'): return
curses.wrapper(main)`
    const terminal = shell(['--', 'python3', '-c', code], {env: {TERM: 'xterm-256color'}})
    await terminal.shows(/size 24 80/)
    terminal.pty.resize(66, 20)
    await terminal.shows(/20 66|20\b[^]*66/)
    // as the terminal was asked to tell it
    assert.match(terminal.output, /\x1b\[\?(1006;)?1000h/)
    terminal.type(/\x1b\[\?1006[;h]/.test(terminal.output) ? '\x1b[<0;10;5M\x1b[<0;10;5m' : '\x1b[M *%\x1b[M#*%')
    await terminal.shows(/clicked 9 4/)
    terminal.type('q')
    assert.equal((await terminal.exit).exitCode, 0, terminal.output)
    assert.match(terminal.output, /\x1b\[\?(1006;)?1000l/)
  })

  it('two look at one: both see it, and the size is that of whoever typed last', async () => {
    const name = fresh()
    const one = await work(name, {cols: 120})
    const two = shell(['-s', name], {cols: 70})
    await two.shows(/ready> $/)
    two.type('echo from two; stty size\r')
    await Promise.all([one.shows(/\nfrom two\r\n24 70\r\n/), two.shows(/\nfrom two\r\n24 70\r\n/)])
    one.type('echo from one; stty size\r')
    await Promise.all([one.shows(/\nfrom one\r\n24 120\r\n/), two.shows(/\nfrom one\r\n24 120\r\n/)])
    one.type('exit 3\r')
    assert.deepEqual([(await one.exit).exitCode, (await two.exit).exitCode], [3, 3])
  })

  it('a link that is cut loses nothing and doubles nothing, and one line tells of it', async () => {
    const terminal = await work()
    terminal.type('i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "n$i"; sleep 0.01; done; echo all\r')
    await terminal.shows(/\nn50\r\n/)
    chaos.refuse()
    chaos.rstAll()
    await terminal.shows(/the link to there is lost, connecting again; Ctrl-\] d leaves/)
    terminal.type('echo typed meanwhile\r')
    chaos.refuse(false)
    await terminal.shows(/\nall\r\n[^]*> typed meanwhile\r\n/)
    // without the line that told of it, and its end
    const output = terminal.output.replace(/\x1b(?:\[[\d;]*[A-Za-z]|[D78])|cgpu: the link[^\x1b]*/g, '')
    assert.deepEqual([...output.matchAll(/[\r\n]n(\d+)\r/g)].map(([, n]) => Number(n)), Array.from({length: 400}, (_, i) => i + 1))
    assert.equal(terminal.output.match(/> typed meanwhile/g)?.length, 1)
    assert.equal(terminal.output.match(/is lost, connecting again/g)?.length, 1)
    terminal.type('exit\r')
    assert.equal((await terminal.exit).exitCode, 0)
  })

  it('is left at once when the link is down', async () => {
    const terminal = await work()
    chaos.refuse()
    chaos.rstAll()
    await terminal.shows(/is lost, connecting again/)
    const started = performance.now()
    terminal.type(detach)
    assert.equal((await terminal.exit).exitCode, 0, terminal.output)
    assert.ok(performance.now() - started < 15_000)
  })

  it('a client that is killed leaves it as it is; the next one finds it', async () => {
    const name = fresh()
    const first = await work(name)
    first.type('x=kept\r')
    await first.shows(/x=kept\r\n/)
    first.pty.kill('SIGKILL')
    await first.exit
    const next = shell(['-s', name])
    await next.shows(/x=kept\r\n/)
    next.type('echo "$x:"; exit\r')
    await next.shows(/\nkept:\r\n/)
    assert.equal((await next.exit).exitCode, 0)
  })

  it('SIGTERM and a closed window restore the terminal and leave it running', async () => {
    const name = fresh()
    const first = await work(name)
    first.type('printf "\\033[?1049h\\033[?25lfull"\r')
    await first.shows(/\x1b\[\?25lfull/)
    process.kill(first.pty.pid, 'SIGTSTP')
    await first.shows(/full[^]*\x1b\[\?1049l$/)
    await until(() => readFileSync(`/proc/${first.pty.pid}/stat`, 'utf8').includes(') T '), () => 'it is not suspended')
    process.kill(first.pty.pid, 'SIGCONT')
    await first.shows(/\x1b\[\?1049l\x1b\[\?1049h\x1b\[\?25l/)
    process.kill(first.pty.pid, 'SIGTERM')
    assert.equal((await first.exit).exitCode, 143, first.output)
    assert.match(first.output, /full[^]*\x1b\[\?25h\x1b\[\?1049l/)
    const next = shell(['-s', name])
    await next.shows(/full/)
    next.close()
    await until(async () => (await bench.data<{name: string; clients: number}[]>(['shell', 'there', '-l'])).find((one) => one.name === name)?.clients === 0, () => 'it is still attached')
    assert.equal((await bench.cli(['shell', 'there', '--kill', name])).status, 0)
  })

  it('remote programs set neither titles nor the clipboard, unless they may', async () => {
    const print = 'printf "<\\033]0;evil\\007\\033]52;c;aGk=\\007\\033[1mbold\\033[0m>"'
    const terminal = shell(['-t', '--', print])
    assert.equal((await terminal.exit).exitCode, 0)
    assert.match(terminal.output, /<\x1b\[1mbold\x1b\[0?m>/)
    assert.doesNotMatch(terminal.output, /evil|aGk=/)
    const raw = shell(['--raw', '--', print])
    assert.equal((await raw.exit).exitCode, 0)
    assert.match(raw.output, /\x1b\]0;evil\x07/)
  })

  it('its end is asked for from elsewhere, and told', async () => {
    const name = fresh()
    const terminal = await work(name)
    const killed = await bench.cli(['shell', 'there', '-k', name])
    assert.deepEqual([killed.status, killed.stderr], [0, `ended the terminal ${name} on there\n`])
    assert.equal((await terminal.exit).exitCode, 129, terminal.output)
    assert.ok(screen(terminal.output).includes(`the terminal ${name} on there was ended`), terminal.output)
  })
})

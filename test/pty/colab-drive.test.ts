import assert from 'node:assert/strict'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {Terminal} from '../helpers/terminal.ts'

describe('consent on a terminal', function () {
  this.timeout(60_000)
  let bench: ColabBench
  const terminal = (...args: string[]): Terminal => new Terminal(args, {home: bench.home, cols: 300})
  /** The page that is shown; what a person does there. */
  const agree = async (shown: Terminal, decision: string): Promise<void> => {
    await shown.shows(/n to leave it: /)
    const [, url] = /(http:\S+\/emulator\/consent\?\S+)/.exec(shown.output) ?? []
    assert.ok(url, shown.output)
    assert.equal((await fetch(url, {method: 'POST', body: new URLSearchParams({decision})})).status, 200)
  }

  beforeEach(async () => {
    bench = await colabBench()
    const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
    assert.equal(made.status, 0, made.stderr)
  })
  afterEach(() => bench.remove())

  it('is asked for with the page, and Drive is mounted after it', async () => {
    const mount = terminal('drive', 'mount')
    await agree(mount, 'allow')
    assert.match(mount.output, /Colab asks whether this machine may use your Google Drive\r\n {2}http:/)
    mount.type('\r')
    assert.equal((await mount.exit).exitCode, 0, mount.output)
    assert.match(mount.output, /Drive is mounted on colab at \/content\/drive/)
    // it is not asked for again
    const again = terminal('drive', 'mount')
    assert.equal((await again.exit).exitCode, 0, again.output)
    assert.doesNotMatch(again.output, /agreed/)
  })

  it('may be declined, on the page or here', async () => {
    const denied = terminal('drive', 'mount')
    await agree(denied, 'deny')
    denied.type('\r')
    assert.equal((await denied.exit).exitCode, 67, denied.output)
    const left = terminal('drive', 'mount')
    await left.shows(/n to leave it: /)
    left.type('n\r')
    assert.equal((await left.exit).exitCode, 67, left.output)
    const interrupted = terminal('drive', 'mount')
    await interrupted.shows(/n to leave it: /)
    interrupted.interrupt()
    assert.equal((await interrupted.exit).exitCode, 130, interrupted.output)
  })

  it('is asked for while code waits for it, and the code goes on', async () => {
    const exec = terminal('exec', 'from google.colab import drive; drive.mount("/content/drive"); print(input("and now? "))')
    await agree(exec, 'allow')
    exec.type('\r')
    await exec.shows(/Mounted at \/content\/drive/)
    await exec.shows(/and now\? /)
    exec.type('typed\r')
    assert.equal((await exec.exit).exitCode, 0, exec.output)
    assert.match(exec.output, /typed\s+typed/)
  })

  it('is asked for amid a REPL, which goes on after it', async () => {
    const repl = terminal('repl')
    await repl.shows(/colab> /)
    repl.type('from google.colab import drive; drive.mount("/content/drive"); print("got", input("and now? "))\r')
    await agree(repl, 'allow')
    repl.type('\r')
    await repl.shows(/Mounted at \/content\/drive/)
    await repl.shows(/and now\? /)
    repl.type('typed\r')
    await repl.shows(/got typed\r\n[^]*colab> /)
    repl.type('40 + 2\r')
    await repl.shows(/42\r\n[^]*colab> /)
    repl.type('\x04')
    assert.equal((await repl.exit).exitCode, 0, repl.output)
  })

  it('is withdrawn when Ctrl-C ends the code that waits for it', async () => {
    const exec = terminal('exec', 'from google.colab import drive; drive.mount("/content/drive")')
    await exec.shows(/n to leave it: /)
    exec.interrupt()
    assert.equal((await exec.exit).exitCode, 130, exec.output)
    assert.match(exec.output, /KeyboardInterrupt/)
  })
})

import assert from 'node:assert/strict'
import {rm} from 'node:fs/promises'
import {nothingLeft, type Workbench, workbench} from '../helpers/workbench.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {screen, Terminal} from '../helpers/terminal.ts'

const spinner = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/

describe('run and stop on a terminal', function () {
  this.timeout(40_000) // what waits in here gives up after 20 s, and says why
  let bench: Workbench
  const terminal = (...args: string[]): Terminal => new Terminal(args, {home: bench.home})
  const names = async (): Promise<string[]> => (await bench.data<{name: string}[]>(['ps'])).map(({name}) => name).toSorted()

  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.remove())

  it('a moving line tells of progress and is gone at the end; a pipe gets none', async () => {
    const run = terminal('run', '--', testPython, '-c', 'print("done here")')
    assert.equal((await run.exit).exitCode, 0, run.output)
    assert.match(run.output, spinner)
    assert.match(run.output, /\x1b\[K/)
    const shown = screen(run.output)
    assert.ok(shown.includes('done here'), run.output)
    assert.doesNotMatch(shown.join('\n'), spinner)
    const piped = await bench.cli(['run', '--', testPython, '-c', 'print("done here")'])
    assert.deepEqual([piped.status, piped.stdout], [0, 'done here\n'])
    assert.doesNotMatch(piped.stderr, /\x1b|[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]|\r/)
  })

  it('nothing of ours is drawn over a line that the program has begun', async () => {
    const wait = await bench.file('wait', '')
    const code = `import os, time\nprint("begun", end="", flush=True)\nwhile os.path.exists(${JSON.stringify(wait)}): time.sleep(0.05)\nprint(" and ended", end="")`
    const run = terminal('run', '--', testPython, '-c', code)
    await run.shows(/begun/)
    const before = run.output.length
    await new Promise((resolve) => setTimeout(resolve, 600)) // several frames of a moving line
    assert.equal(run.output.slice(before), '')
    await rm(wait)
    assert.equal((await run.exit).exitCode, 0, run.output)
    assert.ok(screen(run.output).includes('begun and ended'), run.output)
    assert.match(run.output, /begun and ended\r\ndone after/)
  })

  it('Ctrl-C ends the program and releases the runtime that was made for it', async () => {
    const run = terminal('run', '--', testPython, '-c', 'import time\nprint("on", flush=True)\ntime.sleep(600)')
    await run.shows(/on\r\n/)
    run.interrupt()
    assert.equal((await run.exit).exitCode, 130, run.output)
    assert.match(run.output, /KeyboardInterrupt/)
    assert.match(run.output, /released/)
    assert.deepEqual(await names(), [])
    await nothingLeft(bench.home)
  })

  it('Ctrl-C while the runtime is being made leaves none', async () => {
    const run = terminal('run', '--', testPython, '-c', 'print("never")')
    await run.shows(spinner)
    run.interrupt()
    assert.equal((await run.exit).exitCode, 130, run.output)
    assert.deepEqual(await names(), [])
    await nothingLeft(bench.home)
  })

  it('a terminal that is closed leaves nothing behind', async () => {
    const run = terminal('run', '--', testPython, '-c', 'import time\nprint("on", flush=True)\ntime.sleep(600)')
    await run.shows(/on\r\n/)
    run.close()
    await nothingLeft(bench.home)
    assert.deepEqual(await names(), [])
  })

  it('a terminal that is closed in the middle of output leaves nothing behind', async () => {
    const run = terminal('run', '--', testPython, '-c', 'import time\nwhile True: print("on", flush=True); time.sleep(0.001)')
    await run.shows(/on\r\n/)
    run.close()
    await nothingLeft(bench.home)
    assert.deepEqual(await names(), [])
  })

  it('stop --all asks; n keeps, y releases', async () => {
    for (const name of ['one', 'two']) await bench.cli(['runtime', 'create', '--name', name])
    const no = terminal('stop', '--all')
    await no.shows(/\[y\/N\] /)
    no.type('n\r')
    assert.notEqual((await no.exit).exitCode, 0)
    assert.deepEqual(await names(), ['one', 'two'])
    const yes = terminal('stop', '--all')
    await yes.shows(/\[y\/N\] /)
    yes.type('y\r')
    assert.equal((await yes.exit).exitCode, 0, yes.output)
    assert.deepEqual(await names(), [])
  })
})

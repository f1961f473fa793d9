import assert from 'node:assert/strict'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {Terminal} from '../helpers/terminal.ts'
import {until, type Workbench, workbench} from '../helpers/workbench.ts'

describe('schedules on a terminal', () => {
  let bench: Workbench
  beforeEach(async () => {
    bench = await workbench()
  })
  afterEach(() => bench.remove())

  it('cannot act on it by what their command printed, nor by how it was typed', async () => {
    const made = await bench.cli(['schedule', 'create', 'hostile', '--every', '1d', '--', 'runtime', 'show', '\u001b]0;owned\u0007\u009b2J'])
    assert.equal(made.status, 0, made.stderr)
    // what it says of its arguments, and whatever a program may print
    const ran = new Terminal(['schedule', 'run', 'hostile'], {home: bench.home})
    assert.notEqual((await ran.exit).exitCode, 0)
    await writeFile(join(bench.home.dataDir, 'state', 'schedules', 'hostile', '1.log'), 'before \u001b]0;owned\u0007 \u001b[31mred\u001b[0m after\n')
    const logs = new Terminal(['schedule', 'logs', 'hostile'], {home: bench.home})
    assert.equal((await logs.exit).exitCode, 0)
    assert.match(logs.output, /before .*red.* after/)
    const list = new Terminal(['schedule', 'list'], {home: bench.home, cols: 200})
    const show = new Terminal(['schedule', 'show', 'hostile'], {home: bench.home, cols: 200})
    await Promise.all([list.exit, show.exit])
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    for (const {output} of [ran, logs, list, show]) assert.doesNotMatch(output, /\u001b\]|\u0007|\u009b/)
    assert.match(show.output, /owned/)
  })

  it('end as their command does on Ctrl-C, and say so', async () => {
    await bench.cli(['schedule', 'create', 'follow', '--every', '1d', '--', 'daemon', 'logs', '--follow'])
    const run = new Terminal(['schedule', 'run', 'follow'], {home: bench.home})
    type Shown = {lastRun: {state: string; exitStatus: number | null} | null}
    await until(async () => (await bench.data<Shown>(['schedule', 'show', 'follow'])).lastRun?.state === 'running', () => run.output)
    run.interrupt()
    const {exitCode} = await run.exit
    assert.equal(exitCode, 130, run.output)
    assert.deepEqual((await bench.data<Shown>(['schedule', 'show', 'follow'])).lastRun?.exitStatus, 130)
  })
})

import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {processesOf} from '../contract/processes-of.ts'
import {envelope, startCgpu} from '../helpers/cli.ts'
import {colabBench} from '../helpers/colab-bench.ts'
import {assertRefused, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface Item {
  name: string
  state: string
  clients: number
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended
  }
}

describe('cgpu shell without a terminal', function () {
  this.timeout(90_000)
  let bench: Workbench
  const shell = (...args: string[]) => bench.cli(['shell', 'there', ...args])
  const list = (): Promise<Item[]> => bench.data<Item[]>(['shell', 'there', '--list'])

  before(async () => {
    bench = await workbench()
    const made = await bench.cli(['runtime', 'create', '--name', 'there'])
    assert.equal(made.status, 0, made.stderr)
  })
  after(() => bench.remove())

  it('runs a command with its streams apart, byte for byte, and ends with its status', async () => {
    const done = await shell('--', 'sh', '-c', 'printf "out\\000\\377"; echo err >&2; exit 5')
    assert.deepEqual([done.status, done.bytes.toString('latin1'), done.stderr], [5, 'out\0\xff', 'err\n'])
    assert.equal((await shell('--', 'exit 3')).status, 3, 'one word is a line of the shell')
    assert.equal((await shell('--', 'echo', 'a  b', '$HOME')).stdout, 'a  b $HOME\n', 'several words are verbatim')
    assert.deepEqual(await bench.data(['job', 'list', '-r', 'there']), [], 'nothing of them is kept')
  })

  it('gives it what is piped in; without a command that is a script', async () => {
    const bytes = Buffer.from(Array.from({length: 70_000}, (_, i) => i % 256))
    const copied = await bench.cli(['shell', 'there', '--', 'cat'], {input: bytes})
    assert.deepEqual([copied.status, copied.bytes.equals(bytes)], [0, true], copied.stderr)
    const script = await bench.cli(['shell', 'there'], {input: 'echo from a pipe\nexit 9\n'})
    assert.deepEqual([script.status, script.stdout], [9, 'from a pipe\n'])
    const unnamed = await bench.cli(['shell', '--', 'cat'], {input: 'there\n'})
    assert.deepEqual([unnamed.status, unnamed.stdout], [0, 'there\n'], unnamed.stderr)
  })

  it('answers with JSON', async () => {
    const good = await bench.cli(['shell', 'there', '--json', '--', 'echo hi'])
    const answer = envelope<{exitStatus: number; stdout: string; runtime: string}>(good)
    assert.ok(answer.ok, good.stdout)
    assert.deepEqual([answer.data.exitStatus, answer.data.stdout, answer.data.runtime], [0, 'hi\n', 'there'])
    const bad = await bench.cli(['shell', 'there', '--json', '--', 'exit 4'])
    const failed = envelope(bad)
    assert.deepEqual([bad.status, failed.ok, failed.ok ? '' : failed.error.code], [4, false, 'PROGRAM_FAILED'])
  })

  it('gives it a terminal when it is told to, and keeps named ones', async () => {
    const sized = await bench.cli(['shell', 'there', '-t', '--', 'tty -s && stty size'], {input: ''})
    assert.deepEqual([sized.status, sized.stdout], [0, '24 80\r\n'], sized.stderr)
    const first = startCgpu(['shell', 'there', '--session', 'work', '-t', '--', 'echo begun; exec sleep 600'], {home: bench.home})
    let output = ''
    first.stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()))
    await until(() => output.includes('begun'), () => output)
    assert.deepEqual((await list()).map(({name, state, clients}) => ({name, state, clients})), [{name: 'work', state: 'attached', clients: 1}])
    first.kill('SIGTERM')
    await until(async () => (await list())[0]?.state === 'detached', () => 'it is still attached')
    const table = await shell('--list')
    assert.match(table.stdout, /^name +state +clients +opened +runs +command *\nwork +detached +0 .*sleep 600/)
    for (const words of [['shell', 'there', '--kill', 'w'], ['shell', '-r', 'there', '--session=w']]) {
      // a shell gets no answer that comes late, on a busy machine
      await until(async () => /^(--session=)?work(\t|$)/m.test((await bench.cli(['__complete', 'zsh', ...words])).stdout), () => words.join(' '))
    }
    assertRefused(await shell('--kill', 'nobody'), 66)
    assert.equal((await shell('-k', 'work')).status, 0)
    assert.deepEqual(await list(), [])
  })

  it('refuses what makes no sense before it connects', async () => {
    assertRefused(await bench.cli(['shell', 'there', '-r', 'there']), 64)
    assertRefused(await shell('--detach-keys', 'ctrl-'), 64)
    const json = await shell('--session', 'work', '--json')
    assert.deepEqual([json.status, envelope(json).ok], [64, false])
    assertRefused(await shell('--list', '--kill', 'x'), 64)
    assertRefused(await shell('--', ''), 64)
    assertRefused(await shell('ls', '-la'), 64)
    assertRefused(await bench.cli(['shell', 'nobody']), 66)
    assertRefused(await bench.cli(['shell', 'there', '-t', '--session', '../x'], {input: ''}), 64)
  })

  it('is in the history with the command, and nothing of what was typed', async () => {
    await bench.cli(['shell', 'there', '-t'], {input: 'echo geheim $((41 + 1)); exit 3\n'})
    const entry = await bench.data<{kind: string; exitStatus: number; command: {argv: string[]}}>(['history', 'show'])
    assert.deepEqual([entry.kind, entry.exitStatus, entry.command.argv], ['shell', 3, []])
    assert.doesNotMatch(JSON.stringify(entry), /geheim/)
    const folder = join(bench.home.dataDir, 'state', 'history')
    for (const name of await readdir(folder)) assert.doesNotMatch(await readFile(join(folder, name), 'utf8'), /geheim/)
    assertRefused(await bench.cli(['history', 'rerun', (await bench.data<{id: string}>(['history', 'show'])).id]), 65)
  })

  it('the end of the runtime is the end of its terminals', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'short'])).status, 0)
    const left = startCgpu(['shell', 'short', '-t', '-s', 'on', '--', 'echo begun; exec sleep 601'], {home: bench.home})
    let output = ''
    left.stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()))
    await until(() => output.includes('begun'), () => output)
    left.kill('SIGKILL')
    assert.equal((await bench.cli(['stop', 'short'])).status, 0)
    const sleeping = (): number[] => processesOf(bench.home.path).filter((pid) => commandOf(pid).includes(['sleep', '601'].join('\0')))
    await until(() => sleeping().length === 0, () => `still there: ${sleeping().join(', ')}`)
  })
})

describe('cgpu shell on Colab', function () {
  this.timeout(90_000)

  it('has terminals of its own, that no other client ends', async () => {
    const bench = await colabBench()
    try {
      const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
      assert.equal(made.status, 0, made.stderr)
      const done = await bench.cli(['shell', 'colab', '-t', '--', 'pwd; stty size; exit 6'], {input: ''})
      assert.deepEqual([done.status, done.stdout], [6, '/content\r\n24 80\r\n'], done.stderr)
      const clients = ['one', 'two'].map((name) => {
        const child = startCgpu(['shell', 'colab', '-t', '-s', name, '--', `echo ${name} begun; while [ ! -e /content/go ]; do sleep 0.05; done; echo ${name} ended`], {home: bench.home})
        let output = ''
        child.stdout?.on('data', (chunk: Buffer) => void (output += chunk.toString()))
        return {child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve))}
      })
      await until(() => clients.every(({output}) => output().includes('begun')), () => clients.map(({output}) => output()).join())
      assert.equal((await bench.cli(['shell', 'colab', '--', 'touch /content/go'])).status, 0)
      assert.deepEqual(await Promise.all(clients.map(({ended}) => ended)), [0, 0])
      assert.deepEqual(clients.map(({output}) => output()), ['one begun\r\none ended\r\n', 'two begun\r\ntwo ended\r\n'])
    } finally {
      await bench.remove()
    }
  })
})

import assert from 'node:assert/strict'
import {randomBytes} from 'node:crypto'
import {mkdir, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {Copied} from '../../packages/cli/src/copying.ts'
import {assertRefused, places, type Workbench, workbench} from '../helpers/workbench.ts'

describe('cgpu cp of folders', function () {
  this.timeout(60_000)
  let bench: Workbench
  const at = (...names: string[]): string => join(bench.home.cwd, ...names)
  before(async () => {
    bench = await workbench()
    await places[0]?.make(bench)
    const made = await bench.cli(['runtime', 'create', '--name', 'other'])
    assert.equal(made.status, 0, made.stderr)
    for (const [name, data] of [['src/a.py', 'print(1)'], ['src/lib/b.py', 'b'], ['src/data/x.csv', 'x'], ['src/data/y.csv', 'yy'], ['src/run.log', 'log']] as const) await bench.file(name, data)
    await bench.file('src/big.bin', randomBytes(3_000_000))
  })
  after(() => bench?.remove())

  const files = async (folder: string): Promise<string[]> => {
    const found = await readdir(at(folder), {recursive: true, withFileTypes: true})
    return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(at(folder).length + 1)).sort()
  }
  const good = async (...args: string[]): Promise<string> => {
    const {status, stdout, stderr} = await bench.cli(['cp', ...args])
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '')
    return stderr
  }

  it('counts first, and sends nothing again that is there', async () => {
    const told = await good('src', 'there:')
    assert.match(told, /^copying 6 files, 2\.9 MiB\n/)
    assert.match(told, /^there:src \(6 files, 2\.9 MiB\)$/m)
    assert.match(await good('-r', 'src', 'there:'), /^there:src \(0 files, 0 B; 6 were there already\)$/m)
    await writeFile(at('src/a.py'), 'print(2)')
    const {files: sent, same, bytes} = await bench.data<Copied>(['cp', 'src', 'there:'])
    assert.deepEqual([sent, same, bytes], [1, 5, 8])
  })

  it('brings them back, from one runtime over another', async () => {
    await good('there:src/', 'other:moved')
    await good('other:moved', 'back')
    assert.deepEqual(await files('back/moved'), await files('src'))
    for (const name of await files('src')) assert.deepEqual(await readFile(at('back/moved', name)), await readFile(at('src', name)))
    const [moved, given] = [await stat(at('back/moved/a.py')), await stat(at('src/a.py'))]
    assert.ok(Math.abs(moved.mtimeMs - given.mtimeMs) < 0.01, `${moved.mtimeMs} is not ${given.mtimeMs}`)
  })

  it('takes patterns of the other side, and several sources', async () => {
    await good('there:src/data/*.csv', 'csv')
    assert.deepEqual(await files('csv'), ['x.csv', 'y.csv'])
    await good('there:src/**/*.py', 'src/run.log', 'other:mixed/')
    await good('other:mixed/', 'mixed')
    assert.deepEqual(await files('mixed'), ['a.py', 'b.py', 'run.log'])
    assertRefused(await bench.cli(['cp', 'src/data/x.csv', 'csv/x.csv', 'there:twice']), 64)
  })

  it('leaves out what is not wanted, and only tells with --dry-run', async () => {
    const plan = await bench.cli(['cp', 'src/', 'there:some', '--include', '*.py', '--include', '*.csv', '--exclude', '/lib', '--dry-run'])
    assert.deepEqual(plan.stdout.trim().split('\n').map((line) => line.replace(/^.* -> /, '')).sort(), ['there:some/a.py (8 B)', 'there:some/data/x.csv (1 B)', 'there:some/data/y.csv (2 B)'])
    assertRefused(await bench.cli(['cp', 'there:some/', 'nothing']), 66)
    await good('src/', 'there:some', '--exclude', '*.bin', '--exclude', 'lib/')
    await good('there:some/', 'some')
    assert.deepEqual(await files('some'), ['a.py', 'data/x.csv', 'data/y.csv', 'run.log'])
  })

  it('streams, both ways, byte for byte', async () => {
    const data = randomBytes(9_000_000)
    const sent = await bench.cli(['cp', '-', 'there:piped/it'], {input: data})
    assert.equal(sent.status, 0, sent.stderr)
    const back = await bench.cli(['cp', 'there:piped/it', '-'])
    assert.equal(back.status, 0, back.stderr)
    assert.ok(back.bytes.equals(data))
    assert.equal((await bench.cli(['cp', '-', 'there:empty'], {input: ''})).status, 0)
    assert.equal((await bench.cli(['cp', 'there:empty', '-'])).bytes.length, 0)
    for (const args of [['there:piped', '-'], ['there:missing', '-'], ['-', 'there:piped'], ['-', '-'], ['-', 'src', 'there:x'], ['there:empty', '-', '--json']]) {
      const {status} = await bench.cli(['cp', ...args], {input: ''})
      assert.ok(status === 64 || status === 66, `${args.join(' ')}: ${status}`)
    }
  })

  it('says what of many could not be written, with a status, and copies the rest', async () => {
    await mkdir(at('partly/a.py'), {recursive: true})
    const {status, stderr} = await bench.cli(['cp', 'there:src/', 'partly'])
    assert.equal(status, 73, stderr)
    assert.match(stderr, /^warning: not copied: cannot write .*a\.py: a folder is in its place$/m)
    assert.match(stderr, /^error: 1 of 6 files were not copied\nfix: /m)
    assert.deepEqual(await files('partly'), ['big.bin', 'data/x.csv', 'data/y.csv', 'lib/b.py', 'run.log'])
    await rm(at('partly'), {recursive: true})
  })
})

import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {existsSync} from 'node:fs'
import {mkdir, readdir, readFile, rm, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

describe('outputs of a run', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
  })
  after(() => bench.remove())

  let folders = 0
  /** Runs a shell line; outputs go to a new folder. */
  const run = async (line: string, ...flags: string[]) => {
    const out = `out-${++folders}`
    const result = await bench.cli(['run', '--output-dir', out, ...flags, '--', 'sh', '-c', line])
    const files = existsSync(join(bench.home.cwd, out)) ? await readdir(join(bench.home.cwd, out), {recursive: true, withFileTypes: true}) : []
    return {...result, out: join(bench.home.cwd, out), names: files.filter((one) => !one.isDirectory()).map((one) => join(one.parentPath, one.name).slice(bench.home.cwd.length + out.length + 2)).sort()}
  }

  it('are found by patterns, also in folders, and keep their place', async () => {
    const {status, names, stderr} = await run('mkdir -p r/deep/er; echo 1 > r/a.csv; echo 2 > r/deep/b.csv; echo 3 > r/deep/er/c.csv; echo 4 > top.csv; echo 5 > "r/sp ace ü.csv"; echo no > r/x.txt', '-o', 'r/**/*.csv', '-o', 'top.*')
    assert.equal(status, 0, stderr)
    assert.deepEqual(names, ['r/a.csv', 'r/deep/b.csv', 'r/deep/er/c.csv', 'r/sp ace ü.csv', 'top.csv'])
  })

  it('come whole, and are named once although two patterns match', async () => {
    const {status, out, stderr} = await run('head -c 3000001 /dev/urandom > big.bin; sha256sum big.bin', '-o', '*.bin', '-o', 'big.*')
    assert.equal(status, 0, stderr)
    assert.equal(stderr.match(/big\.bin/g)?.length, 1, stderr)
    const {stdout} = await bench.cli(['run', '--', 'sha256sum', 'big.bin'])
    assert.equal(stdout.slice(0, 64), createHash('sha256').update(await readFile(join(out, 'big.bin'))).digest('hex'))
  })

  it('are a whole folder when the pattern names one', async () => {
    const {status, names, stderr} = await run('mkdir -p whole/sub; echo 1 > whole/a; echo 2 > whole/sub/b', '-o', 'whole')
    assert.equal(status, 0, stderr)
    assert.deepEqual(names, ['whole/a', 'whole/sub/b'])
  })

  it('are not what lay there before', async () => {
    assert.equal((await run('echo old > old.txt; touch -d "1 hour ago" old.txt')).status, 0)
    const {status, names, stderr} = await run('echo new > new.txt', '-o', '*.txt')
    assert.equal(status, 0, stderr)
    assert.deepEqual(names, ['new.txt'])
  })

  it('that are missing are warned of, and the status stays the program\'s', async () => {
    const {status, stderr} = await run('exit 7', '-o', 'none/*.bin')
    assert.equal(status, 7)
    assert.match(stderr, /^warning: no file that the run wrote matches the output none\/\*\.bin$/m)
  })

  it('of a failing program are brought back too', async () => {
    const {status, names} = await run('echo 1 > log.txt2; exit 9', '-o', '*.txt2')
    assert.equal(status, 9)
    assert.deepEqual(names, ['log.txt2'])
  })

  it('never leave their folder, whatever links the program made', async () => {
    const outside = await bench.file('outside.txt', 'mine')
    // on this machine a link on the runtime points at real files of the user: neither may it be read as an output nor written through
    const {status, names, out} = await run(`ln -s ${outside} leak.lnk; ln -s / root.lnk; mkdir real; echo 1 > real/a.lnk`, '-o', '**/*.lnk')
    assert.equal(status, 0)
    assert.equal(await readFile(outside, 'utf8'), 'mine')
    for (const name of names) assert.ok(!(await readFile(join(out, name), 'utf8')).includes('mine'), name)
    assert.ok(names.includes('real/a.lnk'), names.join())
  })

  it('are not written through a link in the local folder', async () => {
    await mkdir(join(bench.home.cwd, 'elsewhere'))
    await mkdir(join(bench.home.cwd, 'target'))
    await symlink(join(bench.home.cwd, 'elsewhere'), join(bench.home.cwd, 'target/sub'))
    const {status, stderr} = await bench.cli(['run', '--output-dir', 'target', '-o', 'sub/*', '--', 'sh', '-c', 'mkdir -p sub; echo 1 > sub/evil'])
    assert.equal(status, 65, stderr)
    assert.match(stderr, /^error: "sub\/evil" cannot be used as a relative path: a link in it leads outside of the folder$/m)
    assert.deepEqual(await readdir(join(bench.home.cwd, 'elsewhere')), [])
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'other'])).status, 0)
    const stopped = await bench.cli(['stop', 'other', 'there'])
    assert.deepEqual([stopped.status, stopped.stdout.startsWith('released other')], [65, true], stopped.stderr)
    assert.match(stopped.stderr, /^fix: mend that, or give up the outputs of \S+: cgpu job rm \S+$/m)
    assert.deepEqual((await bench.data<{name: string}[]>(['runtime', 'list'])).map((one) => one.name), ['there'])
    await rm(join(bench.home.cwd, 'target/sub')) // what stops the bench brings them now
  })

  it('are refused beforehand when their pattern or folder cannot be', async () => {
    await bench.file('a-file', '')
    for (const flags of [['-o', '../x'], ['-o', '/etc/passwd'], ['-o', ''], ['-o', 'a\\..\\b'], ['--output-dir', 'a-file'], ['--output-dir', 'a-file/below'], ['--output-dir', '']]) {
      assertRefused(await bench.cli(['run', ...flags, '--', 'touch', 'ran']), [64, 73], flags.join(' '))
    }
    assert.equal((await bench.cli(['run', '--', 'test', '-e', 'ran'])).status, 1)
  })
})

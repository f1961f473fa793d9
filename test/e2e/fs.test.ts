import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {existsSync, linkSync, readdirSync} from 'node:fs'
import {chmod, mkdir, readFile, rename, stat, symlink, truncate, unlink, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface View {
  name: string
  path: string
  type: string
  size: number
  mode: string
  modifiedAt: string
  target?: string
  pathBase64?: string
}

describe('cgpu fs', function () {
  this.timeout(60_000)
  let bench: Workbench
  let root: string
  const at = (...names: string[]): string => join(root, ...names)
  const fs = async (...args: string[]): Promise<string> => {
    const {status, stdout, stderr} = await bench.cli(['fs', ...args])
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const make = async (name: string, content: string | Uint8Array = name): Promise<string> => {
    await mkdir(join(at(name), '..'), {recursive: true})
    await writeFile(at(name), content)
    return at(name)
  }

  before(async () => {
    bench = await workbench()
    const server = await jupyterThere(bench)
    root = server.root
    await make('data/b.csv', 'x'.repeat(3000))
    await make('data/a.csv', '1\n')
    await make('data/.hidden')
    await make('data/deep/c.csv', '2\n')
    await symlink('a.csv', at('data/link'))
    await utimes(at('data/a.csv'), 1_000_000_000, 1_000_000_000)
    await chmod(at('data/a.csv'), 0o640)
  })
  after(() => bench.remove())

  it('ls shows names, or all about them, in the order that is asked for', async () => {
    assert.equal(await fs('ls', 'there:data'), 'a.csv\nb.csv\ndeep/\nlink\n')
    // how much a folder says of itself is its disk's business
    assert.deepEqual((await fs('ls', '-aS', 'data')).split('\n').filter((name) => !/^(deep\/)?$/.test(name)), ['b.csv', '.hidden', 'link', 'a.csv'])
    const long = (await fs('ls', '-lt', '--reverse', 'there:data')).split('\n')
    assert.match(long[0] ?? '', /^-rw-r-----  {2,}2 B  2001-09-0\d \d\d:\d\d:40  a\.csv$/)
    assert.ok(long.some((line) => /^d\S{9} {9}-  .*  deep\/$/.test(line)) && long.some((line) => line.endsWith('link -> a.csv')), long.join('\n'))
    const views = await bench.data<View[]>(['fs', 'ls', 'there:data/*.csv', 'data/deep'])
    assert.deepEqual(views.map(({path, name, type, size}) => [path, name, type, size]), [
      ['data/a.csv', 'a.csv', 'file', 2], ['data/b.csv', 'b.csv', 'file', 3000], ['data/deep/c.csv', 'c.csv', 'file', 2],
    ])
    assert.deepEqual([views[0]?.mode, views[0]?.modifiedAt], ['0640', '2001-09-09T01:46:40.000Z'])
  })

  it('names of the other side cannot draw on a terminal, and JSON keeps them as they are', async () => {
    const evil = 'e\u001b]0;x\u0007\n\u202ename'
    await make(`names/${evil}`)
    await writeFile(Buffer.concat([Buffer.from(`${at('names')}/caf`), Buffer.of(0xe9)]), '')
    assert.equal(await fs('ls', 'names'), 'caf\ufffd\ne\\x1b]0;x\\x07\\n\\u202ename\n')
    const [bytes, text] = await bench.data<View[]>(['fs', 'ls', 'names'])
    assert.deepEqual([text?.name, bytes?.name, bytes?.pathBase64], [evil, 'caf\ufffd', Buffer.from('names/caf\xe9', 'latin1').toString('base64')])
    const found = await bench.cli(['fs', 'find', 'names', '--print0'])
    assert.deepEqual(found.bytes, Buffer.concat([Buffer.from('names/caf\xe9\0', 'latin1'), Buffer.from(`names/${evil}\0`)]))
    await fs('rm', 'there:names/caf?', 'there:names/e*')
    assert.deepEqual(readdirSync(at('names')), [])
  })

  it('cat, head and tail give bytes as they are', async () => {
    const bytes = Buffer.from(Array.from({length: 100_000}, (_, i) => (i * 7) % 256))
    await make('bytes.bin', bytes)
    const {bytes: twice} = await bench.cli(['fs', 'cat', 'there:bytes.bin', 'data/a.csv'])
    assert.ok(twice.equals(Buffer.concat([bytes, Buffer.from('1\n')])))
    await make('lines', Array.from({length: 30_000}, (_, i) => `line ${i}\n`).join(''))
    assert.equal(await fs('head', '-n', '2', 'lines'), 'line 0\nline 1\n')
    assert.equal(await fs('head', '-c', '3', 'lines'), 'lin')
    assert.equal((await fs('head', '-c', '1k', 'lines')).length, 1024)
    assert.equal((await fs('head', '-n', '20000', 'lines')).split('\n').length, 20_001)
    assert.equal(await fs('tail', '-n', '2', 'lines'), 'line 29998\nline 29999\n')
    assert.equal(await fs('tail', '-c', '4', 'lines'), '999\n')
    const [json] = await bench.data<{path: string; encoding: string; content: string; truncated: boolean}[]>(['fs', 'cat', 'bytes.bin'])
    assert.deepEqual([json?.encoding, json?.content, json?.truncated], ['base64', bytes.toString('base64'), false])
  })

  it('cat of a folder, or a link to one, says what to do instead, and prints nothing before', async () => {
    await symlink('data', join(root, 'data-link'))
    for (const [args, place] of [[['cat', 'data/a.csv', 'data'], 'data'], [['head', 'data-link'], 'data-link']] as const) {
      const {status, stdout, stderr} = await bench.cli(['fs', ...args])
      assert.deepEqual([status, stdout, stderr], [64, '', `error: ${place} on there is a folder\nfix: see what is in it: cgpu fs ls there:${place}; copy it: cgpu cp there:${place} .\n`])
    }
    await unlink(join(root, 'data-link'))
  })

  it('tail -f goes on with what comes, and with the file that takes its place', async () => {
    await make('log', 'one\n')
    const child = startCgpu(['fs', 'tail', '-f', '-n', '1', 'there:log'], {home: bench.home})
    let out = ''
    let err = ''
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const shows = (text: string): Promise<void> => until(() => out === text, () => `${out}\n${err}`)
    try {
      await shows('one\n')
      await writeFile(at('log'), 'two\n', {flag: 'a'})
      await shows('one\ntwo\n')
      await rename(at('log'), at('log.1'))
      await make('log', 'three\n')
      await shows('one\ntwo\nthree\n')
      await until(() => /another file took its place/.test(err), () => err)
      await truncate(at('log'), 0)
      await until(() => /emptied/.test(err), () => err)
    } finally {
      child.kill('SIGINT')
    }
    const [status] = await new Promise<[number | null]>((resolve) => child.once('close', (code) => resolve([code])))
    assert.equal(status, 130)
  })

  it('rm takes files without asking, folders with -r, and nothing when one of them is missing', async () => {
    await make('gone/x')
    await make('gone.txt')
    assertRefused(await bench.cli(['fs', 'rm', 'there:gone.txt', 'there:nothing']), 66)
    assertRefused(await bench.cli(['fs', 'rm', 'there:gone*']), 64)
    assert.match(await fs('rm', '-r', '--dry-run', 'gone*'), /^would remove gone with a file, .*\nwould remove gone\.txt \(8 B\)\n$/)
    assert.ok(existsSync(at('gone/x')) && existsSync(at('gone.txt')))
    await fs('rm', '-r', 'there:gone*', 'there:gone/x')
    assert.ok(!existsSync(at('gone')) && !existsSync(at('gone.txt')))
    await fs('rm', '-f', 'there:gone.txt')
    for (const path of ['there:', 'there:/', 'there:.', 'there:~']) assertRefused(await bench.cli(['fs', 'rm', '-r', path]), 64, path)
    await fs('rm', 'data/link')
    assert.ok(existsSync(at('data/a.csv')))
  })

  it('mv renames, moves into folders, and replaces nothing unasked', async () => {
    await make('one')
    await make('two')
    assertRefused(await bench.cli(['fs', 'mv', 'there:one', 'there:two']), 64)
    assert.equal(await readFile(at('two'), 'utf8'), 'two')
    await fs('mv', '-f', 'there:one', 'two')
    assert.equal(await readFile(at('two'), 'utf8'), 'one')
    await fs('mkdir', 'box')
    assertRefused(await bench.cli(['fs', 'mkdir', 'box']), 64)
    assertRefused(await bench.cli(['fs', 'mkdir', 'far/er']), 66)
    await fs('mkdir', '-p', 'box', 'far/er')
    await make('three')
    assert.deepEqual(await bench.data(['fs', 'mv', 't[wh]*', 'box']), [{from: 'three', to: at('box/three')}, {from: 'two', to: at('box/two')}])
    assertRefused(await bench.cli(['fs', 'mv', 'box/t*', 'nowhere']), 64)
  })

  it('stat, du and find tell what is there', async () => {
    const [facts] = await bench.data<(View & {sha256: string; onDisk: number})[]>(['fs', 'stat', '--hash', 'there:data/a.csv'])
    assert.equal(facts?.sha256, createHash('sha256').update('1\n').digest('hex'))
    assert.match(await fs('stat', 'data/a.csv'), /^path +data\/a\.csv\ntype +file\n(?:.*\n)*mode +0640 -rw-r-----\n/)
    const sizes = (await fs('du', '-b', '--apparent-size', 'data')).trim().split('\n').map((line) => line.split(/\s+/))
    assert.deepEqual(sizes.map(([, path]) => path), ['data/deep', 'data'])
    assert.ok(Number(sizes[1]?.[0]) >= 3016)
    assert.equal(await fs('find', 'there:data', '--name', '*.csv'), 'data/a.csv\ndata/b.csv\ndata/deep/c.csv\n')
    assert.equal(await fs('find', 'data', '--type', 'f', '--size', '+1k'), 'data/b.csv\n')
    assert.equal(await fs('find', 'data', '--type', 'f', '--name', '*.csv', '--newer', '1d', '--max-depth', '1'), 'data/b.csv\n')
  })

  it('find lists a hundred thousand files in bounded memory, here and there', async () => {
    await mkdir(at('many'))
    // names of two files: a disk makes names five times as fast as files
    const name = (i: number): string => at('many', String(i).padStart(6, '0'))
    for (let i = 0; i < 100_000; i++) {
      if (i % 50_000 === 0) await writeFile(name(i), '')
      else linkSync(name(i - (i % 50_000)), name(i))
    }
    const {status, stdout, stderr} = await bench.cli(['fs', 'find', 'many'], {nodeArgs: ['--max-old-space-size=48']})
    assert.equal(status, 0, stderr)
    const lines = stdout.split('\n')
    assert.deepEqual([lines.length, lines[0], lines[99_999]], [100_001, 'many/000000', 'many/099999'])
    assert.match(await fs('rm', '-r', 'many'), /^$/)
  })

  it('edit writes back what was changed, whole, and nothing when somebody else was faster', async () => {
    await make('note.txt', 'first\n')
    await chmod(at('note.txt'), 0o600)
    await symlink('note.txt', at('note-link'))
    const edit = (script: string, path = 'there:note.txt') => bench.cli(['fs', 'edit', path], {env: {TMPDIR: bench.home.cwd, EDITOR: `sh -c '${script}' edit`}})
    const good = await edit('stat -c %a "$1" > seen; echo second >> "$1"')
    assert.equal(good.status, 0, good.stderr)
    assert.equal(await readFile(at('note.txt'), 'utf8'), 'first\nsecond\n')
    assert.equal(await readFile(join(bench.home.cwd, 'seen'), 'utf8'), '600\n')
    assert.equal((await stat(at('note.txt'))).mode & 0o777, 0o600)
    assert.equal((await edit('echo third >> "$1"', 'there:note-link')).status, 0)
    assert.equal(await readFile(at('note-link'), 'utf8'), 'first\nsecond\nthird\n')
    assert.match((await edit('true')).stderr, /nothing was changed/)
    assert.equal((await edit('echo new > "$1"', 'there:fresh.txt')).status, 0)
    assert.equal(await readFile(at('fresh.txt'), 'utf8'), 'new\n')
    assertRefused(await edit('exit 3'), 64)
    assert.deepEqual(readdirSync(bench.home.cwd).filter((name) => name.startsWith('cgpu-')), [], 'no copy is left')
    const lost = await edit(`echo mine >> "$1"; echo theirs > "${at('note.txt')}"`)
    assertRefused(lost, 72)
    const [, kept = ''] = /your copy is (\S+);/.exec(lost.stderr) ?? []
    assert.equal(await readFile(kept, 'utf8'), 'first\nsecond\nthird\nmine\n')
    assert.equal(await readFile(at('note.txt'), 'utf8'), 'theirs\n')
    assert.deepEqual(readdirSync(root).filter((name) => name.includes('.part')), [])
    assertRefused(await bench.cli(['fs', 'edit', 'there:note.txt'], {env: {PATH: '/nowhere'}}), 66)
  })

  it('edit starts no editor that needs a terminal where there is none', async () => {
    const refused = await bench.cli(['fs', 'edit', 'there:data/a.csv'], {input: 'x'})
    assertRefused(refused, 64)
    assert.match(refused.stderr, /there is no terminal to edit on/)
  })

  it('open fetches a private copy, and starts no program that it could be', async () => {
    await make('tool.desktop', 'evil')
    await chmod(at('tool.desktop'), 0o755)
    const {path, opened} = await bench.data<{path: string; opened: boolean}>(['fs', 'open', 'there:tool.desktop'], {env: {TMPDIR: bench.home.cwd, DISPLAY: ':9'}})
    assert.deepEqual([opened, await readFile(path, 'utf8'), (await stat(path)).mode & 0o777, (await stat(join(path, '..'))).mode & 0o777], [false, 'evil', 0o600, 0o700])
    await bench.file('bin/xdg-open', `#!/bin/sh\ncp "$1" "${bench.home.cwd}/shown"\n`, 0o755)
    const shown = await bench.cli(['fs', 'open', 'there:data/a.csv'], {env: {TMPDIR: bench.home.cwd, DISPLAY: ':9', PATH: `${bench.home.cwd}/bin:${bench.home.env['PATH'] ?? ''}`}})
    assert.equal(shown.status, 0, shown.stderr)
    await until(() => existsSync(join(bench.home.cwd, 'shown')), () => 'it was not opened')
  })

  it('answers as its schemas say', async () => {
    const {outputSchemas} = await import('@cgpu/core/schema/zod')
    const {fileEntry, fileFacts, fileContent} = await outputSchemas()
    for (const one of await bench.data<unknown[]>(['fs', 'ls', '-a', 'data'])) fileEntry.parse(one)
    for (const one of await bench.data<unknown[]>(['fs', 'stat', '--hash', 'data/*'])) fileFacts.parse(one)
    fileContent.parse(await bench.data(['fs', 'head', 'data/a.csv']))
  })

  const bad: [args: string[], status: number][] = [
    [['ls', 'there:nothing'], 66], [['ls', 'there'], 66], [['ls', '--no-such-flag'], 64], [['ls', 'nobody:x'], 66], [['cat'], 64], [['cat', 'there:data'], 64],
    [['cat', 'there:/dev/zero'], 64], [['rm', '-x', 'there:data'], 64], [['rm'], 64], [['mv', 'there:x'], 64], [['mv', 'there:nothing', 'there:x'], 66], [['ls', 'there:x', 'other:y'], 64],
    [['find', 'there:data/a.csv'], 64], [['find', 'there:', '--size', 'big'], 64], [['find', 'there:', '--newer', 'then'], 64], [['edit', 'there:data'], 64], [['edit', 'there:no/such'], 66],
    [['head', '-c', 'some', 'there:data/a.csv'], 64], [['open', 'there:data'], 64], [['tail', 'there:nothing'], 66], [['stat', 'there:zzz*'], 66], [['mkdir', 'there:data/a.csv/x'], 64],
  ]
  it('refuses what cannot be', async () => {
    for (let from = 0; from < bad.length; from += 3) {
      await Promise.all(bad.slice(from, from + 3).map(async ([args, status]) => assertRefused(await bench.cli(['fs', ...args], {env: {EDITOR: 'true'}}), status, args.join(' '))))
    }
  })
})

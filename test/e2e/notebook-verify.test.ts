// cgpu notebook test, diff, merge, lint and strip, with real git.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import type {NotebookTestResult} from '../../plugins/notebook/src/commands/notebook/test.ts'
import type {CodeCell} from '../../plugins/notebook/src/format/model.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {cgpuBin, envelope, startCgpu} from '../helpers/cli.ts'
import {examples} from '../helpers/examples.ts'
import {assertRefused, until, type Workbench, workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, more: object = {}) => ({cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source, ...more})
const notebookOf = (...cells: (string | ReturnType<typeof cellOf>)[]): string =>
  `${JSON.stringify({cells: cells.map((one, at) => ({id: `c${at}`, ...(typeof one === 'string' ? cellOf(one) : one)})), metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 5}, null, 1)}\n`
const printed = (text: string) => ({execution_count: 1, outputs: [{name: 'stdout', output_type: 'stream', text}]})

describe('notebooks under version control', function () {
  this.timeout(60_000)
  let bench: Workbench
  let git: (line: string) => Promise<string>
  before(async () => {
    bench = await workbench()
    const bin = join(bench.home.path, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`, {mode: 0o755})
    Object.assign(bench.home.env, {
      PATH: `${bin}:${bench.home.env['PATH']}`, GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'me', GIT_AUTHOR_EMAIL: 'me@example.com', GIT_COMMITTER_NAME: 'me', GIT_COMMITTER_EMAIL: 'me@example.com',
    })
    git = async (line) => (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', line], {env: bench.home.env, cwd: bench.home.cwd})).stdout
    await git('git init -q -b main .')
    await bench.file('broken.ipynb', '{"cells": [')
  })
  after(() => bench.remove())
  const read = (name: string): Promise<string> => readFile(join(bench.home.cwd, name), 'utf8')
  const sources = async (name: string): Promise<string[]> => parseNotebook(await read(name), name).cells.map(({source}) => source)

  it('strips when git adds, and merges cell by cell when git merges', async () => {
    await git(`git config filter.notebook.clean 'cgpu notebook strip -' && git config filter.notebook.smudge cat && git config filter.notebook.required true && git config merge.notebook.driver 'cgpu notebook merge %O %A %B -o %A'
      printf '*.ipynb filter=notebook\n' > .git/info/attributes && printf '*.ipynb merge=notebook\n' > .gitattributes`)
    const commit = async (message: string, ...cells: Parameters<typeof notebookOf>): Promise<void> => {
      await bench.file('a.ipynb', notebookOf(...cells))
      await git(`git add a.ipynb .gitattributes && git commit -qm ${message}`)
    }
    await commit('base', cellOf('one\ntwo\nthree', printed('1')), 'x = 1')
    await git('rm .git/info/attributes')
    assert.equal(await git('git show HEAD:a.ipynb'), notebookOf('one\ntwo\nthree', 'x = 1'))
    await git('git checkout -qfb theirs')
    await commit('theirs', 'one\ntwo\n3', 'x = 1', cellOf('of theirs', {id: 't'}))
    await git('git checkout -qf main')
    await commit('ours', '1\ntwo\nthree', 'x = 2', cellOf('of ours', {id: 'o'}))
    await git('git merge -q theirs -m merged')
    assert.deepEqual(await sources('a.ipynb'), ['1\ntwo\n3', 'x = 2', 'of ours', 'of theirs'])
    await git('git checkout -qb other HEAD~2')
    await commit('other', 'one\ntwo\nthree', 'x = 3')
    await assert.rejects(git('git merge -q main'), ({stdout, stderr}: {stdout: string; stderr: string}) => /conflicts in cell 2/.test(stderr + stdout) && /CONFLICT/.test(stdout))
    assert.deepEqual(await sources('a.ipynb'), ['1\ntwo\n3', '<<<<<<< ours\nx = 3\n=======\nx = 2\n>>>>>>> theirs', 'of ours', 'of theirs'])
    await git('git reset -q --hard main')
  })

  it('shows differences through git, and by its status', async () => {
    await bench.file('before.ipynb', notebookOf(cellOf('a\nb', printed('1')), 'gone'))
    await bench.file('after.ipynb', notebookOf(cellOf('a\nc', printed('2'))))
    const differs = await bench.cli(['notebook', 'diff', 'before.ipynb', 'after.ipynb', '--ignore', 'outputs,execution-counts'])
    assert.deepEqual([differs.status, differs.stdout], [1, '--- before.ipynb\n+++ after.ipynb\n@@ cell 1, code, c0 @@\n a\n-b\n+c\n@@ cell 2, code, c1: deleted @@\n-gone\n'])
    const alike = await bench.cli(['notebook', 'diff', 'before.ipynb', 'before.ipynb', '--json'])
    assert.deepEqual([alike.status, envelope(alike)], [0, {schema: 1, ok: true, command: 'notebook:diff', data: {same: true, metadata: [], cells: []}, warnings: []}])
    const shown = await git(`git config diff.notebook.command 'f() { cgpu notebook diff "$2" "$5" || test $? = 1; }; f' && printf '*.ipynb diff=notebook\\n' > .gitattributes && cp after.ipynb a.ipynb && git diff a.ipynb`)
    assert.match(shown, /@@ cell 1, code, c0 @@\n-1\n-two\n-3\n\+a\n\+c\n/)
    assert.match(await git('git add before.ipynb && git diff --cached before.ipynb'), /--- \/dev\/null\n.*\n@@ notebook metadata @@\n[^]*: added @@\n\+a\n\+b\n/)
    assertRefused(await bench.cli(['notebook', 'diff', 'before.ipynb', 'none.ipynb']), 66)
    await bench.file('kept.ipynb', 'as it was')
    assertRefused(await bench.cli(['notebook', 'merge', 'before.ipynb', 'broken.ipynb', 'after.ipynb', '-o', 'kept.ipynb']), 65)
    assert.equal(await read('kept.ipynb'), 'as it was')
  })

  it('strips in place, and lints', async () => {
    const path = await bench.file('s.ipynb', notebookOf(cellOf('a', printed('/home/me/x'))), 0o640)
    await bench.file('clean.ipynb', notebookOf('a'))
    const checked = await bench.cli(['notebook', 'strip', '--check', 's.ipynb', 'clean.ipynb'])
    assert.deepEqual([checked.status, checked.stdout], [1, 's.ipynb\n'])
    const found = await bench.cli(['notebook', 'lint', 's.ipynb', 'clean.ipynb'], {env: {GITHUB_ACTIONS: 'true'}})
    assert.deepEqual([found.status, found.stdout], [1, 's.ipynb:3: cell 1: its output names a path in a home folder [home-path]\n'])
    assert.equal(found.stderr, '::error file=s.ipynb,line=3,title=home-path::cell 1: its output names a path in a home folder\n')
    assertRefused(await bench.cli(['notebook', 'strip', 's.ipynb', 'broken.ipynb']), 65)
    const stripped = await bench.cli(['notebook', 'strip', 's.ipynb', 'clean.ipynb', '--json'])
    assert.deepEqual(envelope(stripped).ok && stripped.status, 0)
    assert.deepEqual([await read('s.ipynb'), (await stat(path)).mode & 0o777], [notebookOf('a'), 0o640])
    assert.equal((await bench.cli(['notebook', 'lint', 'broken.ipynb'])).status, 65)
  })

  it('runs and compares, as its examples show', async function () {
    this.timeout(240_000)
    await git('cgpu runtime create --name there')
    await bench.file('analysis.ipynb', notebookOf('x = 1', 'import sys, time\nprint("took ", time.time(), "s loss=", x, sep="")\nprint(time.time_ns(), file=sys.stderr)', cellOf('{}["a"]', {metadata: {tags: ['raises-exception']}, outputs: [{output_type: 'error', ename: 'KeyError', evalue: "'a'", traceback: []}]})))
    for (const name of ['analysis.out', 'base', 'ours', 'theirs']) await bench.file(`${name}.ipynb`, notebookOf('x = 1'))
    const mine = examples('plugins/notebook').filter((line) => /^(cgpu (nb|notebook) (diff|lint|merge|strip|test)|git) /.test(line))
    assert.ok(mine.length >= 11, mine.join('\n'))
    for (const line of mine) {
      // its clock is on stderr, and it counts as a number elsewhere
      await git(line.replace('test analysis.ipynb --tolerance', 'test analysis.ipynb --mask "^\\d+$" --tolerance'))
    }
    const {cells} = parseNotebook(await read('analysis.ipynb'), 'x')
    assert.deepEqual(cells.map((cell) => (cell as CodeCell).outputs.map(({output_type: type}) => type)), [[], ['stream', 'stream'], ['error']]) // all of them are code
    assert.match(await read('report.xml'), /^<\?xml[^]*<testsuites tests="3" failures="0" errors="0"[^]*name="cell 2 \(c1\)"/)
  })

  it('tells cells that differ, that fail, that are late, and files that are no notebooks', async function () {
    this.timeout(120_000)
    await bench.file('differs.ipynb', notebookOf(
      cellOf('print("new")', printed('old\n')), cellOf('import time; time.sleep(0.05)', {metadata: {tags: ['budget:1ms']}}), cellOf('1 / 0', {outputs: [{output_type: 'error', ename: 'ZeroDivisionError', evalue: 'division by zero', traceback: []}]}),
    ))
    const before = await read('differs.ipynb')
    const differs = await bench.cli(['notebook', 'test', 'differs.ipynb', '--junit', 'out/report.xml'], {env: {GITHUB_ACTIONS: 'true'}})
    assert.equal(differs.status, 1, differs.stderr)
    assert.match(differs.stdout, /^differs\.ipynb:3: cell 1: stdout differs\n@@ stdout @@\n-old\n\+new\ndiffers\.ipynb:\d+: cell 2: it took .* s, and 0\.001 s is its budget\nnotebook .*\ndiffers\.ipynb +failed +1 +2 +0 +0 /)
    assert.match(differs.stderr, /^::error file=differs\.ipynb,line=3,title=cell 1::stdout differs\n::error file=differs\.ipynb,line=\d+,title=cell 2::it took/m)
    assert.match(await read('out/report.xml'), /<failure message="stdout differs">@@ stdout @@\n-old\n\+new\n<\/failure>/)
    assert.equal(await read('differs.ipynb'), before)
    await bench.file('fails.ipynb', notebookOf(cellOf('import sys; sys.exit(1)', printed('')), cellOf('1', {execution_count: 2})))
    const failing = await bench.cli(['notebook', 'test', 'fails.ipynb', '--json'])
    const fails = envelope<NotebookTestResult>(failing)
    assert.equal(failing.status, 2)
    assert.deepEqual(fails.ok && fails.data.notebooks.map(({status, cells}) => [status, cells.map((one) => [one.status, one.message])]), [['error', [['error', 'SystemExit: 1'], ['skipped', 'it was not run: cell 1 ended the notebook']]]])
    await bench.file('bare.ipynb', notebookOf('x'))
    const several = await bench.cli(['notebook', 'test', 'bare.ipynb', 'broken.ipynb', '--json'])
    const answer = envelope<never>(several)
    assert.ok(!answer.ok)
    assert.deepEqual([several.status, answer.error.code], [65, 'NO_COMMITTED_OUTPUTS'])
    const {notebooks} = answer.error.details as unknown as NotebookTestResult // what the command puts there
    assert.deepEqual(notebooks.map(({error}) => error?.code), ['NO_COMMITTED_OUTPUTS', 'NOTEBOOK_NOT_JSON'])
  })

  it('sets parameters that the file never gets, and tells what kept it from being tested', async () => {
    await bench.file('sets.ipynb', notebookOf(cellOf('a = 1', {metadata: {tags: ['parameters']}, execution_count: 1}), cellOf('print(a)', printed('2\n')), cellOf('print("end")', printed('END\n'))))
    const before = await read('sets.ipynb')
    const tested = await bench.cli(['nb', 'test', 'sets.ipynb', '-p', 'a', '2', '--json'])
    const answer = envelope<NotebookTestResult>(tested)
    assert.deepEqual([tested.status, answer.ok && answer.data.notebooks[0]?.cells.map(({cell, id, status}) => [cell, id, status])], [1, [[1, 'c0', 'passed'], [2, 'c1', 'passed'], [3, 'c2', 'failed']]], tested.stdout)
    assert.equal(await read('sets.ipynb'), before)
    assertRefused(await bench.cli(['nb', 'test', 'sets.ipynb', '-p', 'b', '2']), 64)
    const path = await bench.file('changes.ipynb', notebookOf(cellOf('path = ""', {metadata: {tags: ['parameters']}}), 'open(path, "a").write(" ")'))
    const changed = await bench.cli(['nb', 'test', 'changes.ipynb', '--update', '-r', 'path', path])
    assert.equal(changed.status, 72, changed.stderr)
    assert.match(changed.stderr, /error: changes\.ipynb was changed while it ran\nfix: /)
    await bench.file('dies.ipynb', notebookOf(cellOf('import os; os.kill(os.getpid(), 9)', printed('')), 'never'))
    const died = await bench.cli(['nb', 'test', 'dies.ipynb', 'sets.ipynb'])
    assert.equal(died.status, 71, died.stderr)
    assert.doesNotMatch(died.stdout, /sets\.ipynb/, 'what comes behind it is left')
    const begun = join(bench.home.cwd, 'begun')
    await bench.file('waits.ipynb', notebookOf(cellOf(`open(${JSON.stringify(begun)}, "w").close()\nimport time; time.sleep(600)`, printed(''))))
    const waiting = startCgpu(['nb', 'test', 'waits.ipynb'], {home: bench.home})
    const ended = once(waiting, 'exit')
    try {
      await until(() => existsSync(begun), () => 'it does not begin', 40_000)
    } finally {
      waiting.kill('SIGINT')
    }
    assert.deepEqual(await ended, [130, null])
  })
})

import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as fc from 'fast-check'
import {diffEntries} from './diff.ts'
import type {EndFields, HistoryEntry} from './entry.ts'
import {exported} from './export/formats.ts'
import {filterOf, matches} from './filter.ts'
import {findEntries, findEntry} from './find.ts'
import {lineDiff} from './line-diff.ts'
import {newestFirst} from './read.ts'
import {flagWords, rerunLine, rerunPlan} from './rerun.ts'
import {searchHistory, textsOf} from './search.ts'
import {statsOf} from './stats.ts'
import {HistoryStore, recordEnd} from './store.ts'

const entry = (more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  id: 'e1', kind: 'exec', status: 'ok', startedAt: '2026-11-22T10:00:00.000Z', endedAt: '2026-11-22T10:00:02.000Z', durationSeconds: 2, exitStatus: 0, cwd: '/work', command: {code: 'print(1)'},
  envNames: [], spec: {provider: 'local', cpu: true}, version: '0', runtime: {id: 'local-1', name: 'trainer', provider: 'local'}, account: 'google:me@example.com', ...more,
})
const now = Date.parse('2026-11-22T12:00:00Z')

describe('history filters', () => {
  const cases: [texts: Parameters<typeof filterOf>[0], matches: boolean][] = [
    [{}, true], [{status: 'ok,error'}, true], [{status: 'lost'}, false], [{category: 'code'}, false], [{kind: 'exec'}, true], [{kind: 'run,job'}, false],
    [{runtime: 'train'}, true], [{runtime: 'local-1'}, true], [{runtime: 'x'}, false], [{account: 'Me@example.com'}, true], [{account: 'you@example.com'}, false],
    [{since: '3h'}, true], [{since: '1h'}, false], [{until: '1h'}, true], [{until: '3h'}, false], [{since: '2026-11-22T10:00:00Z', until: '2026-11-22T10:00:00Z'}, true],
  ]
  for (const [texts, expected] of cases) it(`${JSON.stringify(texts)}: ${String(expected)}`, () => assert.equal(matches(entry(), filterOf(texts, now)), expected))

  it('refuse what there is not', () => assert.throws(() => filterOf({status: 'good'}, now), {code: 'INVALID_FILTER', exit: 64}))
})

describe('history search', () => {
  let dir = ''
  beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'cgpu-search-')) })
  afterEach(() => rm(dir, {recursive: true, force: true}))

  it('finds what a look at every entry would find', async function () {
    this.timeout(60_000)
    const word = fc.constantFrom('loss', 'Loss', 'größe', '"q"', 'a\nb', '\\d', 'x.y', '\t', '🙂', 'ſtra', 'print(1)')
    const text = fc.array(word, {maxLength: 4}).map(words => words.join(' '))
    const written = fc.record({code: text, argv: fc.option(fc.array(word, {minLength: 1, maxLength: 3}), {nil: undefined}), message: fc.option(text, {nil: undefined}), stdout: fc.option(text, {nil: undefined}), ended: fc.boolean()})
    const wanted = fc.record({text: fc.oneof(word, fc.constantFrom('s', 'LOSS', 'loss gr', 'SS Gr', '^a$', 'lo+s{2}', 'l[oO]ss', 'x.y|q', String.raw`\bloss\b`, String.raw`pr\x69nt`, 'nothing')), regex: fc.boolean(), ignoreCase: fc.boolean()})
    let round = 0
    await fc.assert(fc.asyncProperty(fc.array(written, {maxLength: 6}), fc.array(wanted, {minLength: 1, maxLength: 8}), async (all, requests) => {
      const store = new HistoryStore(join(dir, String(round++)), {maxBytes: 600, keep: 100})
      for (const [i, {code, argv, message, stdout, ended}] of all.entries()) {
        const at = new Date(now + i * 1000).toISOString()
        await store.append({id: `id-${i}`, at, t: 'begin', kind: argv ? 'run' : 'exec', cwd: '/', command: argv ? {argv} : {code}, envNames: [], spec: {}, version: '0'})
        const end: EndFields = {status: 'ok', durationSeconds: 1, ...(message === undefined ? {} : {message}), ...(stdout === undefined ? {} : {tail: {stdout}})}
        if (ended) await recordEnd(store, `id-${i}`, end, new Date(now + i * 1000 + 1))
      }
      for (const request of requests) {
        let pattern: RegExp
        try {
          pattern = new RegExp(request.regex ? request.text : request.text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`), request.ignoreCase ? 'im' : 'm')
        } catch {
          assert.throws(() => searchHistory(store.folder, request), {code: 'INVALID_PATTERN', exit: 64})
          continue
        }
        const expected = [...newestFirst(store.folder)].filter(one => [...textsOf(one)].some(part => pattern.test(part))).map(({id}) => id)
        const hits = searchHistory(store.folder, request)
        assert.deepEqual(hits.map(hit => hit.entry.id), expected, JSON.stringify(request))
        for (const {line, from, to} of hits) assert.ok(from <= to && to <= line.length && !line.includes('\n'))
        assert.deepEqual(searchHistory(store.folder, {...request, limit: 1}).map(hit => hit.entry.id), expected.slice(0, 1))
      }
    }), {numRuns: 60})
  })

  it('finds entries by a unique beginning of their ids', async () => {
    const store = new HistoryStore(dir)
    for (const id of ['aa-1', 'aa-2', 'ab']) await store.append({id, at: new Date().toISOString(), t: 'begin', kind: 'exec', cwd: '/', command: {code: id}, envNames: [], spec: {}, version: '0'})
    assert.equal(findEntry(store.folder).id, 'ab')
    assert.deepEqual(findEntries(store.folder, ['aa-2', 'ab', 'aa-1']).map(({id}) => id), ['aa-2', 'ab', 'aa-1'])
    assert.equal(findEntry(store.folder, 'ab').id, 'ab')
    assert.throws(() => findEntry(store.folder, 'aa'), {code: 'AMBIGUOUS', exit: 64})
    assert.throws(() => findEntry(store.folder, 'aa-3'), {code: 'NOT_FOUND', exit: 66, fix: 'did you mean "aa-2"?'})
    assert.throws(() => findEntry(join(dir, 'none')), {code: 'NO_HISTORY', exit: 66})
  })
})

describe('history stats', () => {
  it('count, and tell how long things took', () => {
    const all = [1, 2, 3, 4, 100].map((durationSeconds, i) => entry({id: String(i), durationSeconds, ...(i === 4 ? {status: 'error', code: 'CODE_FAILED', category: 'code', message: 'no'} : {})}))
    const {durationSeconds: _, ...open} = entry({id: 'open', status: 'unknown'})
    const stats = statsOf([...all, open], 'status')
    assert.deepEqual(stats.total, {key: 'all', count: 6, ok: 4, failed: 1, successRate: 0.8, totalSeconds: 110, medianSeconds: 3, p95Seconds: 100})
    assert.deepEqual(stats.groups.map(({key, count}) => [key, count]), [['ok', 4], ['error', 1], ['unknown', 1]])
    assert.deepEqual(stats.topErrors, [{code: 'CODE_FAILED', count: 1, message: 'no'}])
    assert.deepEqual(statsOf([], 'day'), {total: {key: 'all', count: 0, ok: 0, failed: 0, successRate: null, totalSeconds: 0, medianSeconds: null, p95Seconds: null}, by: 'day', groups: [], topErrors: []})
    assert.deepEqual(statsOf(all, 'code').groups.map(({key}) => key), ['CODE_FAILED'])
  })
})

describe('history diff', () => {
  it('is a way from one list of lines to the other', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), {maxLength: 30})
    fc.assert(fc.property(lines, lines, (a, b) => {
      const diff = lineDiff(a, b)
      if (diff.some(({mark}) => mark === '@')) return
      assert.deepEqual(diff.filter(({mark}) => mark !== '+').map(({text}) => text), a)
      assert.deepEqual(diff.filter(({mark}) => mark !== '-').map(({text}) => text), b)
    }), {numRuns: 1000})
  })

  it('folds what is alike', () => {
    const many = Array.from({length: 20}, (_, i) => String(i))
    assert.deepEqual(lineDiff(many, [...many, 'x']).map(({mark, text}) => mark + text), ['@17 lines alike', ' 17', ' 18', ' 19', '+x'])
  })

  it('leaves out when and how long', () => {
    assert.deepEqual(diffEntries(entry(), entry({id: 'e2', startedAt: '2027-01-01T00:00:00Z', durationSeconds: 9, runtime: {id: 'other', name: 'other', provider: 'local'}})), {equal: true, differs: [], lines: []})
    const found = diffEntries(entry(), entry({command: {code: 'print(2)'}, envNames: ['A']}))
    assert.deepEqual(found.differs, ['code', 'environment'])
    assert.deepEqual(found.lines.map(({mark, text}) => mark + text), [' code:', '-  print(1)', '+  print(2)', '+environment:', '+  A'])
  })
})

describe('history export', () => {
  const entries = [
    entry({id: 'late', startedAt: '2026-11-22T11:00:00.000Z', status: 'error', code: 'CODE_FAILED', message: 'ValueError: no', traceback: 'Traceback\nValueError: no', command: {code: '%matplotlib inline\nx = """\n```\n"""'}, tail: {stdout: 'a\n\u001b[31mb\u001b[0m', stderr: 'w\n'}}),
    entry({id: 'early', kind: 'run', command: {script: 'train.py', args: ['--name', "it's"]}, envNames: ['HF_TOKEN'], packages: ['numpy']}),
  ]

  it('to a notebook has cells in order, with outputs and errors', () => {
    const notebook = JSON.parse(exported(entries, 'ipynb')) as {cells: {id: string; source: string[]; outputs: object[]}[]; nbformat_minor: number} // just made
    assert.equal(notebook.nbformat_minor, 5)
    assert.deepEqual(notebook.cells.map(({id}) => id), ['early', 'late'])
    assert.deepEqual(notebook.cells[0]?.source, [String.raw`!python train.py --name 'it'\''s'`])
    assert.deepEqual(notebook.cells[1]?.outputs, [
      {output_type: 'stream', name: 'stdout', text: ['a\n', '\u001b[31mb\u001b[0m']}, {output_type: 'stream', name: 'stderr', text: ['w\n']},
      {output_type: 'error', ename: 'ValueError', evalue: 'no', traceback: ['Traceback', 'ValueError: no']},
    ])
  })

  it('to a script has cells, and what is no Python as comments', () => {
    assert.match(exported(entries, 'py'), /^# %% .*, run on trainer: ok after 2 s\n# cgpu run train\.py --name 'it'\\''s'\n\n# %% .*, exec on trainer: error \(CODE_FAILED\) after 2 s\n# %matplotlib inline\nx = """/)
  })

  it('to markdown has fences that hold', () => {
    const text = exported(entries, 'md')
    assert.match(text, /- environment HF_TOKEN\n- packages numpy\n\n```sh\ncgpu run train\.py/)
    assert.match(text, /````python\n%matplotlib inline\nx = """\n```\n"""\n````\n\nOutput:\n\n```text\na\nb\n```/)
  })

  it('to lines is what there is', () => {
    assert.deepEqual(exported(entries, 'jsonl').trimEnd().split('\n').map((line): unknown => JSON.parse(line)), entries.toReversed())
  })
})

describe('history rerun', () => {
  it('spells the command that does it again', () => {
    const run = entry({kind: 'run', command: {script: 'train.py', args: ['--x', '-r']}, spec: {provider: 'colab', gpu: 't4', 'high-ram': true}, given: {env: ['A'], packages: ['numpy, pandas'], keep: true, cwd: '-odd'}})
    const env = {A: '1'}
    assert.equal(rerunLine(rerunPlan(run, {runtime: 'trainer', env}), '/work'), "cgpu run -r trainer --env A --packages 'numpy, pandas' --keep --cwd=-odd train.py --x -r")
    assert.equal(rerunLine(rerunPlan(run, {env}), '/elsewhere'), "cd /work && cgpu run --provider colab --gpu t4 --high-ram --env A --packages 'numpy, pandas' --keep --cwd=-odd train.py --x -r")
    assert.deepEqual(rerunPlan(entry({command: {argv: ['sh', '-c', 'x']}, kind: 'run'}), {env}).argv, ['--provider', 'local', '--cpu', '--', 'sh', '-c', 'x'])
    const code = entry({command: {code: '-1'}, given: {kernel: 'python3', secret: ['T']}})
    assert.equal(rerunLine(rerunPlan(code, {runtime: 'trainer', env}), '/work'), 'cgpu exec -r trainer --kernel python3 --secret T -- -1')
    assert.equal(rerunLine(rerunPlan(code, {env}), '/work'), 'cgpu runtime ensure trainer --provider local --cpu >&2 && cgpu exec -r trainer --kernel python3 --secret T -- -1')
  })

  it('refuses what it does not have', () => {
    assert.throws(() => rerunPlan(entry({given: {env: ['A', 'B', 'C']}}), {env: {B: ''}}), {code: 'MISSING_ENV', exit: 64, message: /not set here: A, C$/, fix: /export A=… C=…/})
    const cut = {bytes: 9, sha256: 'x'}
    assert.throws(() => rerunPlan(entry({command: {code: 'x', cut}}), {env: {}}), {code: 'NOT_REPRODUCIBLE', exit: 65})
    assert.throws(() => rerunPlan(entry({kind: 'run', command: {argv: ['x'], redacted: true}}), {env: {}}), {code: 'NOT_REPRODUCIBLE', exit: 65, fix: /--secret NAME/})
    assert.deepEqual(rerunPlan(entry({command: {code: 'x', file: 'big.py', cut, sha256: 'y'}}), {runtime: 'r', env: {}}), {command: 'exec', argv: ['-r', 'r', '-f', 'big.py'], cwd: '/work', file: {path: '/work/big.py', sha256: 'y'}})
  })

  it('passes over what is no flag', () => assert.deepEqual(flagWords({'a b': 'x', ok: true, no: false, n: 5, list: ['1', '2']}), ['--ok', '--list', '1', '--list', '2']))
})

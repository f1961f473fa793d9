import assert from 'node:assert/strict'
import {CgpuError} from '@cgpu/plugin-sdk'
import {htmlPage} from './html/page.ts'
import {junitOf} from './junit-of.ts'
import {batchFailure, batchResult} from './result.ts'
import {someOutcomes} from '../../../../test/helpers/notebook-outcomes.ts'

const {outcomes, first} = someOutcomes()
const result = batchResult({outcomes, first, signalStatus: undefined, durationSeconds: 75})

describe('what a batch tells at the end', () => {
  it('counts, and ends as the run that failed first', () => {
    assert.deepEqual([result.status, result.exitStatus, result.counts], ['error', 3, {ok: 1, failed: 2, skipped: 1, notRun: 1}])
    const failure = batchFailure(result, first)
    assert.deepEqual([failure?.code, failure?.exit, failure?.message], ['BATCH_FAILED', 3, '2 of 5 runs failed, 1 not run; first b.ipynb lr=<2>: cell 2 failed: SystemExit: 3'])
    const interrupted = batchResult({outcomes, first, signalStatus: 130, durationSeconds: 1})
    assert.deepEqual([interrupted.status, interrupted.exitStatus, batchFailure(interrupted, first)?.code], ['interrupted', 130, 'INTERRUPTED'])
    const good = batchResult({outcomes: outcomes.filter(({status}) => status === 'ok' || status === 'skipped'), first: undefined, signalStatus: undefined, durationSeconds: 1})
    assert.deepEqual([good.status, good.exitStatus, batchFailure(good, undefined)], ['ok', 0, undefined])
  })

  it('is a suite for each run and a case for each cell', () => {
    const {suites} = junitOf(outcomes)
    assert.deepEqual(suites.map(({name, tests}) => [name, tests.map(({name: of, status, message}) => [of, status, message])]), [
      ['a.ipynb', [['cell 1: print(1)', 'passed', undefined], ['cell 3: 1 / 0', 'passed', undefined]]],
      ['b.ipynb lr=<2>', [['cell 1: lr = 1', 'passed', undefined], ['cell 2: <script>alert(1)</script>', 'failed', 'cell 2 failed: SystemExit: 3'], ['cell 3: after()', 'skipped', 'it was not run']]],
      ['c.ipynb', [['the notebook', 'error', 'there is no kernel "nope"']]],
      ['d.ipynb', [['the notebook', 'skipped', 'its copy is whole already']]],
      ['e.ipynb', [['the notebook', 'skipped', 'another run failed']]],
    ])
    assert.equal(suites[1]?.tests[1]?.details, '\u001B[31mTraceback\u001B[0m <b>')
  })

  it('is a page that holds nothing but text of what was run', () => {
    const page = [...htmlPage({outcomes, result, at: new Date(0), path: 'reports/index.html'})].join('')
    assert.doesNotMatch(page, /<script|<b>|lr=<2>|\u001B/)
    assert.match(page, /<pre class="source">&lt;script&gt;alert\(1\)&lt;\/script&gt;<\/pre>\n<pre class="traceback">Traceback &lt;b&gt;<\/pre>/)
    assert.deepEqual([...page.matchAll(/href="([^#"]*)"/g)].map(([, href]) => href), ['./../a.out.ipynb', './../runs/javascript%3A%22b%22.ipynb', './../d.out.ipynb'])
    assert.deepEqual([...page.matchAll(/<h2>(.*)<\/h2>/g)].map(([, text]) => text), ['1. a.ipynb', '2. b.ipynb lr=&lt;2&gt;', '3. c.ipynb', '4. d.ipynb', '5. e.ipynb'])
    assert.match(page, /<h1>1 of 5 notebook runs ok, 2 failed, 1 skipped, 1 not run<\/h1>/)
  })

  it('is an error of ours with all of it in its details', () => assert.ok(batchFailure(result, first) instanceof CgpuError && batchFailure(result, first)?.details?.['runs'] !== undefined))
})

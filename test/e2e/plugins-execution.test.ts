import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {envelope} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

interface Seen {
  event: string
  request: {id: string; kind: string; runtime: {id: string; name: string; provider: string}; argv?: string[]; code?: string; envNames: string[]}
  outcome?: {status: string; exitStatus?: number; durationMs: number; error?: {code: string; message: string}}
}

describe('plugins around run and exec', () => {
  let bench: Workbench
  let log: string
  before(async () => {
    bench = await workbench()
    log = join(bench.home.path, 'seen.log')
    const note = (event: string) => `const {appendFileSync} = await import('node:fs')
appendFileSync(${JSON.stringify(log)}, JSON.stringify({event: '${event}', request: options.request, outcome: options.outcome}) + '\\n')\n`
    await linkPlugin(bench.home, [
      {name: 'cgpu-watch', hooks: {
        'execution:before': `${note('before')}return {env: {FROM_PLUGIN: 'a', SHARED: 'plugin', 'not a name': 'x'}}`,
        'execution:after': `${note('after')}throw new Error('late')`,
      }},
      {name: 'cgpu-veto', hooks: {'execution:before': `if (options.request.argv?.includes('forbidden') || options.request.code?.includes('forbidden')) return {veto: 'policy says no'}`}},
    ])
  })
  after(() => bench.remove())
  const seen = async (): Promise<Seen[]> => {
    const lines = existsSync(log) ? (await readFile(log, 'utf8')).trimEnd().split('\n') : []
    await writeFile(log, '')
    return lines.filter((line) => line !== '').map((line): Seen => JSON.parse(line) as Seen) // written by the hooks above
  }

  it('can forbid a run before anything is made', async () => {
    const result = await bench.cli(['run', '--', 'echo', 'forbidden'])
    assertRefused(result, 75)
    assert.match(result.stderr, /^error: cgpu-veto vetoed this execution: policy says no$/m)
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
    assert.deepEqual((await readdir(join(bench.home.dataDir, 'state/providers/local')).catch(() => [])).filter((name) => name.startsWith('rt-')), [])
    const entry = await bench.data<{status: string; code: string; category: string; message: string; spec: object}>(['history', 'show'])
    assert.deepEqual([entry.status, entry.code, entry.category, entry.message], ['vetoed', 'VETOED', 'plugin', 'cgpu-veto vetoed this execution: policy says no'])
    await seen()
  })

  it('see a run on a runtime made for it: which is known only afterwards', async () => {
    assert.equal((await bench.cli(['run', '--', 'true'])).status, 0)
    const [before, after] = await seen()
    assert.deepEqual(before?.request.runtime, {id: '', name: '', provider: 'local'})
    assert.match(after?.request.runtime.name ?? '', /^[a-z]+-[a-z]+$/)
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('see a run, add to its environment, and learn how it ended', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
    const {status, stdout, stderr} = await bench.cli(['run', '-e', 'SHARED=user', '--', 'sh', '-c', 'echo $FROM_PLUGIN $SHARED; exit 3'])
    assert.deepEqual([status, stdout], [3, 'a user\n'], stderr)
    assert.match(stderr, /^warning: plugin cgpu-watch gave an environment variable that cannot be set: not a name$/m)
    assert.match(stderr, /^warning: plugin cgpu-watch failed in execution:after: late$/m)
    const [before, after, more] = await seen()
    assert.equal(more, undefined)
    assert.deepEqual([before?.event, after?.event], ['before', 'after'])
    assert.deepEqual(before?.request, after?.request)
    const {id = '', ...request} = before?.request ?? {}
    assert.notEqual(id, '')
    assert.deepEqual({...request, runtime: before?.request.runtime.name}, {kind: 'run', runtime: 'there', argv: ['sh', '-c', 'echo $FROM_PLUGIN $SHARED; exit 3'], envNames: ['SHARED']})
    assert.deepEqual([after?.outcome?.status, after?.outcome?.exitStatus], ['error', 3])
    assert.equal((await bench.data<{id: string}[]>(['job', 'list']))[0]?.id, id, 'the id is the job\'s')
  })

  it('see a shell, with or without a terminal, may forbid it, and add to its environment', async () => {
    assertRefused(await bench.cli(['shell', '--', 'echo', 'forbidden']), 75)
    for (const [how, printed] of [['--no-tty', 'a\n'], ['-t', 'a\r\n']] as const) {
      await seen()
      const {status, stdout, stderr} = await bench.cli(['shell', how, '--', 'echo $FROM_PLUGIN; exit 4'], {input: ''})
      assert.deepEqual([status, stdout], [4, printed], stderr)
      const [before, after] = await seen()
      assert.deepEqual([before?.request.kind, before?.request.argv, before?.request.runtime.name], ['shell', ['echo $FROM_PLUGIN; exit 4'], 'there'])
      assert.deepEqual([after?.outcome?.status, after?.outcome?.exitStatus], ['error', 4])
    }
  })

  it('see a cell and how it ended', async () => {
    for (const [code, status, outcome] of [['1 + 1', 0, 'ok'], ['1/0', 1, 'error']] as const) {
      assert.equal((await bench.cli(['exec', code])).status, status)
      const [before, after] = await seen()
      assert.deepEqual([before?.request.kind, before?.request.code, before?.request.runtime.name], ['exec', code, 'there'])
      assert.notEqual(before?.request.id, '')
      assert.deepEqual([after?.outcome?.status, after?.outcome?.exitStatus], [outcome, status])
    }
  })

  it('learn of an interruption and of failures of cgpu itself', async () => {
    await bench.cli(['run', '--', 'sh', '-c', 'echo up; exec sleep 1000'], {signalAfter: {signal: 'SIGTERM', stream: 'stdout', match: /up/}})
    assert.equal((await seen())[1]?.outcome?.status, 'interrupted')
    await bench.cli(['run', '--cwd', 'no/such', '--', 'true'])
    const [, after] = await seen()
    assert.equal(after?.outcome?.status, 'error')
    assert.ok(after?.outcome?.error?.message)
  })

  it('can forbid a cell', async () => {
    const result = await bench.cli(['exec', 'forbidden = 1'])
    assertRefused(result, 75)
    const {error} = envelope(await bench.cli(['exec', '--json', 'forbidden = 1']))
    assert.deepEqual([error.code, error.category], ['VETOED', 'plugin'])
    assert.equal((await bench.cli(['exec', '"forbid" + "den" in globals()'])).stdout, 'False\n')
  })
})

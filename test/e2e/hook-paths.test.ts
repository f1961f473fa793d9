// Every way to execute something asks plugins, and tells them how it ended.
import assert from 'node:assert/strict'
import type {ExecutionOutcome, ExecutionRequest} from '@cgpu/plugin-sdk'
import {type CgpuOptions, type HookRecorder, hookRecorder, type TestHome, testHome} from '@cgpu/plugin-sdk/testing'
import {cgpuBin} from '../helpers/cli.ts'
import {patience} from '../helpers/daemon-bed.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {until} from '../helpers/workbench.ts'

interface Path {
  title: string
  args: string[]
  options?: CgpuOptions
  request: Partial<ExecutionRequest>
  outcome: Partial<ExecutionOutcome>
  exit: number
}

const run = (...argv: string[]): Pick<Path, 'args' | 'request'> => ({args: ['run', '--', ...argv], request: {kind: 'run', argv}})
const exec = (code: string, ...flags: string[]): Pick<Path, 'args' | 'request'> => ({args: ['exec', ...flags, code], request: {kind: 'exec', code}})
const ok = {status: 'ok', exitStatus: 0} as const

const paths: Path[] = [
  {title: 'exec', ...exec('1 + 1'), outcome: ok, exit: 0},
  {title: 'exec of a cell that fails', ...exec('1/0'), outcome: {status: 'error', exitStatus: 1}, exit: 1},
  {title: 'exec whose kernel dies', ...exec('import os; os._exit(9)', '--new-kernel'), outcome: {status: 'lost'}, exit: 71},
  {title: 'exec that is interrupted', ...exec('print("up", flush=True)\nimport time; time.sleep(600)'), options: {signalAfter: {signal: 'SIGINT', match: /up/}}, outcome: {status: 'interrupted', exitStatus: 130}, exit: 130},
  {title: 'exec by the daemon', ...exec('2 + 2'), options: {env: {CGPU_DAEMON: 'on', ...patience}}, outcome: ok, exit: 0},
  {title: 'run', ...run('true'), outcome: ok, exit: 0},
  {title: 'run of a program that fails', ...run('sh', '-c', 'exit 3'), outcome: {status: 'error', exitStatus: 3}, exit: 3},
  {title: 'run that is interrupted', ...run('sh', '-c', 'echo up; exec sleep 600'), options: {signalAfter: {signal: 'SIGINT', match: /up/}}, outcome: {status: 'interrupted', exitStatus: 130}, exit: 130},
  {title: 'a shell\'s command', args: ['shell', 'there', '--', 'exit 4'], request: {kind: 'shell', argv: ['exit 4']}, outcome: {status: 'error', exitStatus: 4}, exit: 4},
  {title: 'a terminal', args: ['shell', 'there', '-t', '--', 'exit 5'], request: {kind: 'shell', argv: ['exit 5']}, outcome: {status: 'error', exitStatus: 5}, exit: 5},
  {title: 'a cell of the repl', args: ['repl'], options: {input: '3 + 3\n'}, request: {kind: 'exec', code: '3 + 3'}, outcome: ok, exit: 0},
]

describe('hooks fire', function () {
  this.timeout(90_000)
  let home: TestHome
  let recorder: HookRecorder
  before(async () => {
    home = await testHome({program: [process.execPath, '--', cgpuBin]})
    home.env['CGPU_PYTHON'] = testPython
    recorder = await hookRecorder(home)
    await home.runtime({name: 'there'})
    const told = await recorder.take()
    assert.deepEqual(told.map(({event}) => event), ['runtime:before-create', 'runtime:after-create'])
  })
  after(async () => {
    await home.cgpu(['daemon', 'stop'], {env: {CGPU_DAEMON: 'on'}})
    await home.remove()
  })

  /** The one execution that was told of since the last look. */
  const one = async (title: string): Promise<{request: ExecutionRequest; outcome: ExecutionOutcome}> => {
    const [before, after, ...more] = (await recorder.take()).filter(({event}) => event.startsWith('execution:'))
    assert.deepEqual([before?.event, after?.event, more], ['execution:before', 'execution:after', []], title)
    assert.equal((before?.options['request'] as ExecutionRequest).id, (after?.options['request'] as ExecutionRequest).id)
    return after?.options as unknown as {request: ExecutionRequest; outcome: ExecutionOutcome} // as hooks are typed
  }

  for (const {title, args, options, request, outcome, exit} of paths) {
    it(`around ${title}`, async () => {
      const done = await home.cgpu(args, options)
      assert.equal(done.status, exit, `${done.stdout}${done.stderr}`)
      const told = await one(title)
      assert.partialDeepStrictEqual(told, {request: {...request, runtime: {name: 'there', provider: 'local'}}, outcome})
      assert.ok(told.outcome.durationMs >= 0)
    })
  }

  it('around a job that is left running, and tell its end once', async () => {
    const {stdout} = await home.cgpu(['run', '--detach', '--', 'sh', '-c', 'exit 6'])
    const id = stdout.trim()
    const {request, outcome} = await one('run --detach')
    assert.deepEqual([request.id, request.kind, outcome.status, outcome.exitStatus], [id, 'run', 'detached', undefined])
    assert.equal((await home.cgpu(['job', 'wait', id])).status, 6)
    await home.cgpu(['job', 'attach', id])
    const told = await recorder.told('job:ended')
    assert.deepEqual(told.map(({job, outcome: end}) => [job.id, job.runtime.name, end]), [[id, 'there', {status: 'error', exitStatus: 6}]])
    await recorder.take()

    assert.equal((await home.cgpu(['job', 'retry', id])).status, 6)
    assert.partialDeepStrictEqual(await one('job retry'), {request: {kind: 'run', argv: ['sh', '-c', 'exit 6']}, outcome: {status: 'error', exitStatus: 6}})
  })

  it('around what a daemon executes that runs already, and when it sees a job\'s end', async () => {
    const env = {CGPU_DAEMON: 'on', CGPU_DAEMON_TASKS_MS: '200', ...patience}
    await home.cgpu(['daemon', 'stop'], {env})
    await home.cgpu(['daemon', 'start'], {env})
    assert.equal((await home.cgpu(['exec', 'quick = 1'], {env})).status, 0)
    assert.partialDeepStrictEqual(await one('exec'), {request: {kind: 'exec', code: 'quick = 1', runtime: {name: 'there', provider: 'local'}}, outcome: ok})
    await recorder.answer('execution:before', {veto: 'not today'})
    const vetoed = await home.json(['exec', 'quick = 2'], {env})
    assert.deepEqual(vetoed.ok ? [] : [vetoed.error.code, vetoed.error.message], ['VETOED', 'cgpu-hook-recorder vetoed this execution: not today'])
    assert.equal((await one('exec')).outcome.status, 'vetoed')
    await recorder.answer('execution:before', undefined)
    assert.equal((await home.cgpu(['exec', 'quick'], {env})).stdout, '1\n')
    assert.equal((await one('exec')).outcome.status, 'ok')
    assert.partialDeepStrictEqual(await home.json(['daemon', 'status'], {env}), {data: {executions: 3}})
    // the daemon notes how code ended when it has told the command
    let statuses = ''
    await until(async () => {
      const entries = await home.json<{status: string}[]>(['history', 'list', '--limit', '3'], {env})
      statuses = entries.ok ? entries.data.map(({status}) => status).join() : entries.error.message
      return statuses === 'ok,vetoed,ok'
    }, () => statuses)

    const {stdout} = await home.cgpu(['run', '--detach', '--', 'true'], {env})
    await one('run --detach')
    await until(async () => (await recorder.told('job:ended')).length > 0, () => 'nobody told it')
    assert.deepEqual((await recorder.told('job:ended')).map(({job, outcome}) => [job.id, outcome]), [[stdout.trim(), ok]])
    await recorder.take()
    await home.cgpu(['daemon', 'stop'], {env})
  })

  it('around what the history or a schedule runs again', async () => {
    await home.cgpu(['exec', 'again = 1'])
    const {request: {id}} = await one('exec')
    assert.equal((await home.cgpu(['history', 'rerun', id])).status, 0)
    assert.equal((await one('history rerun')).request.code, 'again = 1')

    const made = await home.cgpu(['schedule', 'create', 'later', '--every', '1d', '--', 'exec', 'later = 1'])
    assert.equal(made.status, 0, made.stderr)
    const ran = await home.cgpu(['schedule', 'run', 'later'])
    assert.equal(ran.status, 0, ran.stderr)
    assert.equal((await one('schedule run')).request.code, 'later = 1')
  })

  it('after a veto too, before which nothing ran', async () => {
    await recorder.answer('execution:before', {veto: 'not today'})
    for (const [args, input] of [[['exec', 'vetoed = 1']], [['run', '--', 'true']], [['run', '--detach', '--', 'true']], [['shell', '--', 'true']], [['repl'], 'vetoed = 1\n']] as const) {
      const {status, stderr} = await home.cgpu(args, {input: input ?? ''})
      assert.equal(status, 75, stderr)
      assert.match(stderr, /cgpu-hook-recorder vetoed this execution: not today/)
      assert.equal((await one(args.join(' '))).outcome.status, 'vetoed')
    }
    await recorder.answer('execution:before', undefined)
    assert.equal((await home.cgpu(['exec', '"vetoed" in globals()'])).stdout, 'False\n')
    await recorder.take()
  })

  it('in one order, and merge what they answer by the names of the plugins', async () => {
    const [first, last] = [await hookRecorder(home, 'aaa-plugin'), await hookRecorder(home, 'zzz-plugin')]
    await last.answer('execution:before', {env: {A: 'last', B: 'last', C: 'last'}})
    await first.answer('execution:before', {env: {A: 'first', D: 'first'}})
    const {stdout, stderr} = await home.cgpu(['run', '-e', 'C=user', '--', 'sh', '-c', 'echo $A $B $C $D'])
    assert.equal(stdout, 'last last user first\n', stderr)
  })
})

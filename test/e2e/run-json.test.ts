import assert from 'node:assert/strict'
import {outputSchemas} from '../../packages/core/src/schema/zod.ts'
import {type CliResult, envelope} from '../helpers/cli.ts'
import {type Workbench, workbench} from '../helpers/workbench.ts'

type Event = Record<string, unknown> & {type: string}

/** The lines of `--output ndjson`, each checked by the schema, their numbers without gaps. */
async function eventsOf({stdout}: CliResult): Promise<Event[]> {
  const {streamEvent} = await outputSchemas()
  assert.ok(stdout.endsWith('\n'), stdout)
  const events = stdout.trimEnd().split('\n').map((line): Event => streamEvent.parse(JSON.parse(line)))
  assert.deepEqual(events.map((event) => event['seq']), events.map((_, index) => index))
  assert.equal(new Set(events.map((event) => event['id'])).size, 1)
  return events
}

describe('what run and exec print for programs', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
  })
  after(() => bench.remove())

  it('is one object with --json, as the schema says', async () => {
    const {finishedRun} = await outputSchemas()
    const result = await bench.cli(['run', '--json', '-o', 'j.txt', '-o', 'none.txt', '--', 'sh', '-c', 'echo out; echo err >&2; echo 1 > j.txt'])
    assert.equal(result.status, 0)
    assert.equal(result.stderr, '')
    const answer = envelope(result)
    const {peakMemoryBytes, ...data} = finishedRun.strict().parse(answer.data)
    assert.ok(process.platform !== 'linux' || (peakMemoryBytes ?? 0) > 0)
    assert.equal(answer.command, 'run')
    assert.deepEqual({...data, id: '', startedAt: '', durationSeconds: 0, outputs: data.outputs.map(({path, size}) => [path, size])}, {
      id: '', startedAt: '', durationSeconds: 0, runtime: 'there', exitStatus: 0, signal: null, stdout: 'out\n', stderr: 'err\n', stdoutBytes: 4, stderrBytes: 4,
      truncated: false, displays: [], outputs: [['j.txt', 2]], missingOutputs: ['none.txt'],
    })
    assert.deepEqual(answer.warnings, ['no file that the run wrote matches the output none.txt'])
  })

  it('is a failure with the whole result when the program fails', async () => {
    const {finishedRun, failure} = await outputSchemas()
    for (const [flag, line, status, message] of [['--json', 'echo x; exit 3', 3, 'the program ended with status 3'], ['--output=json', 'kill -9 $$', 137, 'the program was killed by SIGKILL']] as const) {
      const result = await bench.cli(['run', flag, '--', 'sh', '-c', line])
      assert.equal(result.status, status)
      const {error} = failure.parse(envelope(result))
      assert.deepEqual([error.code, error.category, error.message], ['PROGRAM_FAILED', 'code', message])
      assert.equal(finishedRun.parse(error.details).exitStatus, status)
    }
  })

  it('says when there was more than fits', async () => {
    const {finishedRun} = await outputSchemas()
    const data = finishedRun.parse(envelope(await bench.cli(['run', '--json', '--', 'sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" x; printf "\\377" >&2'])).data)
    assert.deepEqual([data.truncated, data.stdout.length, data.stdoutBytes, data.stderr], [true, 1 << 20, 3_000_000, '\ufffd'])
  })

  it('is an event a line with --output ndjson', async () => {
    const result = await bench.cli(['run', '--output', 'ndjson', '-o', 'n.txt', '--', 'sh', '-c', 'printf "größe\\n"; printf "\\377" >&2; echo 1 > n.txt; exit 4'])
    assert.equal(result.status, 4)
    assert.equal(result.stderr, '')
    const events = await eventsOf(result)
    assert.deepEqual(events.map((event) => event.type).filter((type) => type !== 'progress').sort(), ['artifact', 'finished', 'started', 'stderr', 'stdout'])
    assert.equal(events.find((event) => event.type === 'stdout')?.['data'], 'größe\n')
    assert.deepEqual([events.find((event) => event.type === 'stderr')].map((event) => [event?.['data'], event?.['encoding']]), [['/w==', 'base64']])
    const last = events.at(-1)
    assert.deepEqual([last?.type, last?.['exitStatus'], last?.['status']], ['finished', 4, 'error'])
  })

  it('ends with the event finished also when cgpu fails', async () => {
    const result = await bench.cli(['run', '--output', 'ndjson', '--cwd', 'no/such', '--', 'true'])
    assert.equal(result.status, 66)
    assert.match(result.stderr, /^error: .*\nfix: .*\n$/)
    const last = (await eventsOf(result)).at(-1)
    assert.deepEqual([last?.type, last?.['exitStatus'], last?.['status']], ['finished', 66, 'error'])
  })

  it('is the same kind of thing for exec', async () => {
    const {exec, failure} = await outputSchemas()
    const good = envelope(await bench.cli(['exec', '--json', 'print("p"); 6 * 7']))
    const data = exec.strict().parse(good.data)
    assert.deepEqual([data.runtime, data.status, data.exitStatus, data.stdout, data.displays[0]?.data], ['there', 'ok', 0, 'p\n', {'text/plain': '42'}])
    const bad = await bench.cli(['exec', '--json', '1/0'])
    assert.equal(bad.status, 1)
    const {error} = failure.parse(envelope(bad))
    assert.deepEqual([error.code, error.message], ['CODE_FAILED', 'ZeroDivisionError: division by zero'])
    assert.equal(exec.parse(error.details).error?.name, 'ZeroDivisionError')

    const lines = await bench.cli(['exec', '--output', 'ndjson', 'import sys; print("o"); print("e", file=sys.stderr); display(1); raise ValueError("no")'])
    assert.equal(lines.status, 1)
    const events = await eventsOf(lines)
    assert.deepEqual(events.map((event) => event.type).filter((type) => type !== 'stderr'), ['started', 'stdout', 'display', 'finished'])
    const last = events.at(-1)
    assert.deepEqual([last?.['exitStatus'], last?.['error'] && typeof last['error'] === 'object' && 'name' in last['error'] ? last['error'].name : undefined], [1, 'ValueError'])
  })

  it('has a shape for jobs as well', async () => {
    const {id} = await bench.data<{id: string}>(['run', '--', 'sh', '-c', 'echo job; exit 0'])
    const {job: jobShape, attached: attachedShape} = await outputSchemas()
    const jobs = (await bench.data<unknown[]>(['job', 'list'])).map((one) => jobShape.strict().parse(one))
    const job = jobs.find((one) => one.id === id)
    assert.deepEqual([job?.state, job?.exitStatus, job?.argv], ['exited', 0, ['sh', '-c', 'echo job; exit 0']])
    const attached = attachedShape.strict().parse(await bench.data(['job', 'attach', id]))
    assert.deepEqual([attached.exitStatus, attached.stdout], [0, 'job\n'])
    const events = await eventsOf(await bench.cli(['job', 'attach', id, '--output', 'ndjson']))
    assert.deepEqual(events.map((event) => event.type), ['started', 'stdout', 'finished'])
  })
})

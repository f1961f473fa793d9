import assert from 'node:assert/strict'
import {mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {errors} from '../errors.ts'
import {markOf, markSelf} from '../state/self.ts'
import {began, begin, keptRuns} from './plan.ts'
import {parseSchedule, type Schedule} from './record.ts'
import {runSchedule, type RunScheduleOptions} from './run.ts'
import {ScheduleStore} from './store.ts'
import {timesOf} from './when.ts'
import {viewOf} from './view.ts'

const made = Date.parse('2026-11-28T12:00:00Z')
const due = made + 3_600_000
const iso = (ms: number): string => new Date(ms).toISOString()
const schedule: Schedule = {
  name: 'nightly', argv: ['config', 'list'], cwd: '/', when: {everySeconds: 3600}, missed: 'skip', enabled: true, createdAt: iso(made), doneUntil: iso(made), runs: [], nextRun: 1,
}

describe('running a schedule', () => {
  let state = ''
  let store: ScheduleStore
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'cgpu-schedules-'))
    store = new ScheduleStore(state)
    await store.create(schedule)
  })
  afterEach(() => rm(state, {recursive: true, force: true, maxRetries: 3}))
  const run = (more: Partial<RunScheduleOptions> = {}) => runSchedule({
    store, name: 'nightly', onWarning: assert.fail, now: () => due, ...more,
    execute: more.execute ?? (async (_, log) => {
      log.write(Buffer.from('did it\n'))
      return 3
    }),
  })

  it('records when it was due, how it ended, and keeps what it printed', async () => {
    const ran = await run({due})
    assert.ok(typeof ran === 'object')
    assert.deepEqual([ran.run, ran.exitStatus], [1, 3])
    const kept = await store.get('nightly')
    const [one] = kept?.runs ?? []
    assert.deepEqual({...one, process: undefined}, {run: 1, state: 'exited', dueAt: iso(due), startedAt: iso(due), endedAt: iso(due), exitStatus: 3, process: undefined})
    assert.equal(String(await store.readLog('nightly', 1)), 'did it\n')
    if (process.platform !== 'win32') assert.equal((await stat(join(state, 'schedules', 'nightly.json'))).mode & 0o777, 0o600)
  })

  it('runs a time once, whoever tries', async () => {
    const all = await Promise.all(Array.from({length: 5}, () => run({due})))
    assert.equal(all.filter((one) => typeof one === 'object').length, 1)
    assert.deepEqual((await store.get('nightly'))?.runs.map(({run: number}) => number), [1])
  })

  it('skips a time while the run before goes on, and says so; by hand it is refused', async () => {
    const inside = Promise.withResolvers<void>()
    const go = Promise.withResolvers<number>()
    const first = run({due, execute: async () => {
      inside.resolve()
      return go.promise
    }})
    await inside.promise
    assert.deepEqual([await run({due: due + 3_600_000}), await run()], ['busy', 'busy'])
    const busy = await store.get('nightly')
    assert.equal(busy && (await store.running(busy))?.run, 1)
    go.resolve(0)
    await first
    assert.deepEqual((await store.get('nightly'))?.runs.map(({run: number, state: how, reason}) => [number, how, reason]), [[2, 'skipped', 'running'], [1, 'exited', undefined]])
  })

  it('is over when what runs it throws, with the status that it has then', async () => {
    await assert.rejects(run({execute: () => Promise.reject(errors.notFound('the folder is gone', {code: 'FILE_NOT_FOUND'}))}), {code: 'FILE_NOT_FOUND'})
    await assert.rejects(run({execute: () => Promise.reject(new Error('a bug'))}), /a bug/)
    assert.deepEqual((await store.get('nightly'))?.runs.map(({exitStatus}) => exitStatus), [70, 66])
    assert.equal(String(await store.readLog('nightly', 1)), 'error: the folder is gone\n')
  })

  it('does nothing for one that is gone, and does not bring it back', async () => {
    await run({execute: async () => {
      await store.remove('nightly')
      return 0
    }, onWarning: () => undefined})
    assert.equal(await store.get('nightly'), undefined)
    assert.equal(await run({due}), 'claimed')
    assert.deepEqual(await store.list(), [])
  })

  it('keeps the output of the last runs', async () => {
    for (let n = 0; n < keptRuns + 3; n++) await run({})
    const logs = (await readdir(join(state, 'schedules', 'nightly'))).filter((name) => name.endsWith('.log'))
    assert.equal(logs.length, keptRuns)
    assert.ok(!logs.includes('3.log') && logs.includes('4.log'))
  })

  it('tells of a run as lost whose process is gone', async () => {
    const times = await timesOf(schedule)
    for (const [process, expected] of [[{pid: 2 ** 22 + 1, host: markSelf().host}, 'lost'], [{...markSelf(), startTime: '1'}, 'lost'], [{pid: 1, host: 'another boot'}, 'lost'], [markSelf(), 'running']] as const) {
      const kept = begin(schedule, {now: due, process})
      const running = await store.running(kept)
      assert.equal(viewOf(kept, {times, now: due, running}).lastRun?.state, expected)
    }
  })

  it('does not run it again while the command of one whose process was killed goes on', async () => {
    const killed = {...markSelf(), startTime: '1'}
    const command = markOf(process.ppid)
    await store.update('nightly', (old) => began(begin(old, {now: due, process: killed}), 1, command))
    assert.deepEqual([await run({due}), await run()], ['busy', 'busy'])
    const kept = (await store.get('nightly')) ?? assert.fail()
    assert.equal((await store.running(kept))?.process?.pid, process.ppid)
    await store.update('nightly', (old) => began(old, 1, {...command, startTime: '1'}))
    assert.ok(typeof (await run()) === 'object')
    assert.deepEqual((await store.get('nightly'))?.runs.map(({run: number, state: how}) => [number, how]), [[3, 'exited'], [2, 'skipped'], [1, 'lost']])
  })

  it('leaves nothing of one that was removed while somebody waited to run it', async () => {
    let late: Promise<unknown> | undefined
    await store.alone('nightly', async () => {
      late = store.alone('nightly', async () => assert.equal(await store.get('nightly'), undefined))
      await store.remove('nightly')
    })
    await late
    assert.deepEqual(await readdir(join(state, 'schedules')), [])
  })

  it('passes over records that are broken, and sets them aside', async () => {
    const warnings: string[] = []
    for (const [name, text] of [['half', '{"version":1,"schedule":{"na'], ['wrong', '{"version":1,"schedule":{"name":"wrong","argv":"ls"}}'], ['another', JSON.stringify({version: 1, schedule})]] as const) {
      await writeFile(join(state, 'schedules', `${name}.json`), text)
    }
    const found = await new ScheduleStore(state, (message) => warnings.push(message)).list()
    assert.deepEqual([found.map(({name}) => name), warnings.length], [['nightly'], 3])
  })

  it('takes a record as it was written', () => {
    const full = begin({...schedule, when: {cron: '0 3 * * *', timezone: 'UTC'}, missed: 'run', enabled: false}, {now: due, process: markSelf()}, due)
    assert.deepEqual(parseSchedule(JSON.parse(JSON.stringify(full))), full)
    for (const broken of [null, [], {}, {...full, when: {}}, {...full, createdAt: 'x'}, {...full, argv: [1]}]) assert.equal(parseSchedule(broken), undefined)
  })
})

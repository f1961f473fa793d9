import assert from 'node:assert/strict'
import {once} from 'node:events'
import {type CliResult, startCgpu} from '../helpers/cli.ts'
import type {ColabBench} from '../helpers/colab-bench.ts'
import {colabDaemonBed, type DaemonView} from '../helpers/daemon-bed.ts'
import {until} from '../helpers/workbench.ts'

type Bed = ColabBench & DaemonView

const sessionsOf = async (bed: Bed): Promise<string[]> => ((await bed.status()).sessions ?? []).map(({runtime}) => runtime).sort()
const gone = (bed: Bed, name: string): Promise<void> => until(async () => !(await sessionsOf(bed)).includes(name), () => `the session on ${name} is still there`)

/** A machine of that name; its endpoint. */
async function create(bed: Bed, name: string): Promise<string> {
  const {id} = await bed.data<{id: string}>(['runtime', 'create', '--name', name])
  return id.replace(/^colab-/, '')
}

interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

/** Code that runs until a file is there, once it does. */
async function running(bed: Bed, name: string, flags: string[] = []): Promise<{said: () => string; ended: Promise<Ended>}> {
  const child = startCgpu(['exec', '-r', name, ...flags, 'import os, time; print("up", flush=True)\nwhile not os.path.exists("/content/stop"): time.sleep(0.05)'], {home: bed.home})
  child.stdin?.end()
  const text = {stdout: '', stderr: ''}
  for (const stream of ['stdout', 'stderr'] as const) child[stream]?.on('data', (chunk: Buffer) => void (text[stream] += chunk.toString()))
  const ended = once(child, 'close').then(([status]) => ({status: status as number | null, ...text})) // as node's types have it
  await until(() => text.stdout.includes('up'), () => `it does not run: ${text.stderr}`)
  return {said: () => text.stderr, ended}
}

/** Has that code end. */
async function stop(bed: Bed, name: string): Promise<void> {
  assert.equal((await bed.cli(['exec', '-r', name, '--new-kernel', 'open("/content/stop", "w").close()'])).status, 0)
}

describe('the daemon and machines on Colab that go', function () {
  this.timeout(60_000)
  let bed: Bed
  before(async () => {
    bed = await colabDaemonBed()
    await bed.start()
    await create(bed, 'other')
    assert.equal((await bed.cli(['exec', '-r', 'other', '1'])).status, 0)
  })
  after(() => bed?.remove())

  /** What an exec on a machine that is gone says, by the daemon and without it. */
  async function compared(lost: (name: string, env: Record<string, string>) => Promise<CliResult>): Promise<void> {
    const {executions} = await bed.status()
    const quick = await lost('by-daemon', {})
    assert.ok((await bed.status()).executions > executions, 'the daemon ran it')
    const direct = await lost('without', {CGPU_DAEMON: 'off'})
    assert.deepEqual([quick.status, quick.stdout, quick.stderr.replaceAll('by-daemon', 'without')], [direct.status, direct.stdout, direct.stderr])
    assert.equal(quick.status, 66, quick.stderr)
    assert.match(quick.stderr, /^error: by-daemon is gone\nfix: cgpu runtime create\n/)
  }

  it('are told of as without it, when they went while nobody used them', async () => {
    await compared(async (name, env) => {
      const endpoint = await create(bed, name)
      assert.equal((await bed.cli(['exec', '-r', name, '1'], {env})).status, 0)
      await bed.emulator.happen({reclaim: endpoint})
      await gone(bed, name)
      return bed.cli(['exec', '-r', name, '2'], {env})
    })
    // it is forgotten, as without the daemon
    assert.deepEqual((await bed.data<{name: string}[]>(['ps'])).map(({name}) => name), ['other'])
    assert.deepEqual(await sessionsOf(bed), ['other'])
  })

  it('are told of as without it, when the daemon could not notice', async () => {
    await compared(async (name, env) => {
      const endpoint = await create(bed, name)
      // no kernel is connected afterwards
      assert.equal((await bed.cli(['exec', '--new-kernel', '-r', name, '1'], {env})).status, 0)
      await bed.emulator.happen({reclaim: endpoint})
      if (env['CGPU_DAEMON'] !== 'off') assert.deepEqual(await sessionsOf(bed), [name, 'other'].sort())
      return bed.cli(['exec', '-r', name, '2'], {env})
    })
    assert.deepEqual(await sessionsOf(bed), ['other'])
  })

  it('end what runs on them with 71, and nothing else', async () => {
    const endpoint = await create(bed, 'trainer')
    const {executions} = await bed.status()
    const elsewhere = await running(bed, 'other')
    const lost = await Promise.all([running(bed, 'trainer'), running(bed, 'trainer', ['--new-kernel', '--output', 'ndjson'])])
    await bed.emulator.happen({reclaim: endpoint})
    const [text, ndjson] = await Promise.all(lost.map(({ended}) => ended))
    assert.equal(text?.status, 71, text?.stderr)
    assert.match(text?.stderr ?? '', /error: trainer was taken away while work ran on it\nfix: /)
    const last = JSON.parse(ndjson?.stdout.trimEnd().split('\n').at(-1) ?? '') as {exitStatus: number; error: {code: string}}
    assert.deepEqual([ndjson?.status, last.exitStatus, last.error.code], [71, 71, 'RUNTIME_RECLAIMED'])
    await gone(bed, 'trainer')
    await stop(bed, 'other')
    assert.deepEqual(await elsewhere.ended, {status: 0, stdout: 'up\n', stderr: ''})
    assert.equal((await bed.status()).executions - executions, 4)
    assert.deepEqual(await sessionsOf(bed), ['other'])
  })
})

describe('the daemon and a machine on Colab that is taken away when nobody uses it', function () {
  this.timeout(120_000)
  let bed: Bed
  let using: NodeJS.Timeout | undefined
  before(async () => {
    // more than a busy machine may take from a beat to the next one
    bed = await colabDaemonBed({world: {fit: 6}})
    // until the daemon does it
    using = setInterval(() => bed.machines().forEach((endpoint) => bed.emulator.world.used(endpoint)), 200)
    bed.home.env['CGPU_DAEMON_IDLE'] = '12000'
    await create(bed, 'trainer')
    await bed.start()
  })
  after(async () => {
    clearInterval(using)
    await bed?.remove()
  })

  it('is kept while its code runs and a while longer, and not for ever', async () => {
    const beats = (): number => bed.calls('/keep-alive/').length
    const work = await running(bed, 'trainer')
    assert.equal((await bed.status()).running, 1)
    clearInterval(using)
    const before = beats()
    // each after a third of the time after which it would go
    await until(() => beats() - before >= 4, () => `it is not kept alive: ${beats()} calls, ${bed.machines().length} machines; ${work.said()}`, 40_000)
    assert.equal(bed.machines().length, 1)
    await stop(bed, 'trainer')
    assert.deepEqual(await work.ended, {status: 0, stdout: 'up\n', stderr: ''})
    const endedAt = bed.emulator.clock.now()
    // asking it keeps the daemon itself from going
    await until(async () => (await bed.status()).state === 'running' && bed.machines().length === 0, () => 'the machine is held for ever', 40_000)
    assert.deepEqual(bed.emulator.status().ended.map(({reason}) => reason), ['idle'])
    const last = bed.emulator.log.query({site: 'control', path: '/keep-alive/'}).at(-1)
    const keptFor = Date.parse(last?.at ?? '') - endedAt
    // half of the daemon's time, and not until the session goes
    assert.ok(keptFor > 0 && keptFor < 9000, `${keptFor} ms`)
    await until(async () => (await sessionsOf(bed)).length === 0, () => 'a session is still there')
  })
})

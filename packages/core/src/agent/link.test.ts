import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type AgentBed, fiftyMegabytes, Seen, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {lingering} from '../../../../test/helpers/lingering.ts'
import type {ChaosProxy} from '../../../../test/helpers/chaos.ts'
import {callAgent} from './bootstrap.ts'
import {AgentClient} from './client.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** A job that prints numbered lines, and waits for the file `go` after the first hundred. */
const counting = (go: string): string => `
import os, time
for i in range(20000):
    print(i)
    while i == 100 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.01)`

describe('the agent over a link that fails', function () {
  this.timeout(90_000)
  let bed: AgentBed
  let proxy: ChaosProxy
  let agent: AgentClient
  let here: string

  before(async () => {
    bed = await startAgentBed()
    here = mkdtempSync(join(tmpdir(), 'cgpu-files-'))
  })
  after(async () => {
    await bed.stop()
    rmSync(here, {recursive: true})
  })
  beforeEach(async () => {
    proxy = await bed.proxy()
    agent = await AgentClient.open(await bed.kernel('python3', {proxy, heartbeatMs: 500}), {home: bed.home})
  })
  afterEach(() => agent.close())

  const faults: Record<string, () => void> = {
    'is reset': () => proxy.rstAll(),
    'is closed': () => proxy.finAll(),
    'dies without a word': () => proxy.freezeExisting(),
  }
  for (const [what, fault] of Object.entries(faults)) {
    it(`delivers a job's output once and in order when the link ${what}`, async () => {
      const run = `count-${what.replaceAll(' ', '-')}`
      const go = join(here, run)
      await agent.start({run, argv: [agent.hello.executable, '-c', counting(go)]})
      const seen = new Seen()
      const following = agent.follow(run, {onRecord: seen.onRecord})
      await seen.until(() => seen.text.stdout.includes('\n100\n'))
      fault()
      writeFileSync(go, '')
      const status = await following
      assert.equal(status.exitCode, 0)
      assert.equal(seen.text.stdout, Array.from({length: 20_000}, (_, i) => `${i}\n`).join(''))
    })

    it(`has a job's exit status when it ended while the link ${what}`, async () => {
      const run = `ended-${what.replaceAll(' ', '-')}`
      await agent.start({run, argv: ['sh', '-c', 'read line; echo $line; exit 5'], stdin: true})
      const seen = new Seen()
      const following = agent.follow(run, {onRecord: seen.onRecord})
      await agent.stdin(run, {offset: 0, data: Buffer.from('bye\n')})
      fault()
      assert.equal((await following).exitCode, 5)
      assert.equal(seen.text.stdout, 'bye\n')
    })
  }

  it('carries on with 50 MB of output through a link that is cut again and again', async () => {
    const seen = new Seen(false)
    let cuts = 0
    await agent.start({run: 'cut', argv: [agent.hello.executable, '-c', fiftyMegabytes.code]})
    await agent.follow('cut', {onRecord: record => {
      seen.onRecord(record)
      if (seen.bytes.stdout > (cuts + 1) * 12_000_000) {
        cuts++
        proxy.rstAll()
      }
    }})
    assert.ok(cuts >= 3)
    assert.equal(seen.sha256, fiftyMegabytes.sha256)
  })

  it('carries on with files through a link that is cut', async () => {
    const data = randomBytes(24 << 20)
    let cuts = 0
    const cut = (done: number): void => {
      if (done > (cuts + 1) * 6_000_000) {
        cuts++
        proxy.rstAll()
      }
    }
    await agent.upload(data, 'cut.bin', {onProgress: cut})
    assert.ok(cuts >= 2)
    assert.equal(sha256(readFileSync(join(bed.jupyter.root, 'cut.bin'))), sha256(data))
    cuts = 0
    await agent.download('cut.bin', join(here, 'cut.bin'), {onProgress: cut})
    assert.ok(cuts >= 2)
    assert.equal(sha256(readFileSync(join(here, 'cut.bin'))), sha256(data))
  })

  it('does once what was asked when the answer was lost', async () => {
    const marks = join(here, 'marks')
    proxy.freezeExisting()
    // nothing of this arrives before the link is found dead and made anew
    const started = agent.start({run: 'blind', shell: `echo ran >> ${marks}`})
    assert.equal((await started).attached, false)
    await agent.follow('blind', {onRecord: () => undefined})
    assert.equal(readFileSync(marks, 'utf8'), 'ran\n')
    await agent.start({run: 'reader', argv: ['cat'], stdin: true})
    for (let i = 0; i < 4; i++) {
      const fed = agent.stdin('reader', {offset: i * 5, data: Buffer.from(`line${i}`), eof: i === 3})
      proxy.rstClientOnly()
      await fed
    }
    const seen = new Seen()
    await agent.follow('reader', {onRecord: seen.onRecord})
    assert.equal(seen.text.stdout, 'line0line1line2line3')
  })

  it('comes back in a control kernel that was restarted, and the job never noticed', async () => {
    const connection = await bed.kernel('python3')
    const own = await AgentClient.open(connection, {home: bed.home})
    const go = join(here, 'restart-go')
    await own.start({run: 'through', argv: [own.hello.executable, '-c', counting(go)]})
    const seen = new Seen()
    const following = own.follow('through', {onRecord: seen.onRecord})
    await seen.until(() => seen.text.stdout.includes('\n100\n'))
    await bed.server.restartKernel(connection.kernelId)
    writeFileSync(go, '')
    assert.equal((await following).exitCode, 0)
    assert.equal(seen.text.stdout, Array.from({length: 20_000}, (_, i) => `${i}\n`).join(''))
    assert.equal((await own.runs()).some(run => run.id === 'through'), true)
    await own.close()
  })

  it('does not take a kernel that says goodbye for its successor', async () => {
    const connection = await bed.kernel('python3')
    const own = await AgentClient.open(connection, {home: bed.home})
    await connection.execute(lingering)
    await own.start({run: 'survives', shell: 'sleep 2; echo done'})
    const seen = new Seen()
    const following = own.follow('survives', {onRecord: seen.onRecord})
    await bed.server.restartKernel(connection.kernelId)
    assert.equal((await following).exitCode, 0)
    assert.equal(seen.text.stdout, 'done\n')
    await own.close()
  })

  it('asks again what a kernel lost in its last moments before a restart', async () => {
    const connection = await bed.kernel('python3')
    await connection.execute("get_ipython().kernel.comm_manager.register_target('bell', lambda comm, msg: None)")
    const answer = Promise.withResolvers<unknown>()
    connection.openComm('bell', {}, {onClose: () => {
      callAgent(connection, 'observe(None)').then(answer.resolve, answer.reject)
    }})
    await bed.server.restartKernel(connection.kernelId)
    assert.equal((await answer.promise as {ok: unknown}).ok, true)
  })

  it('ends with the kernel connection', async () => {
    const connection = await bed.kernel('python3')
    const own = await AgentClient.open(connection, {home: bed.home})
    await own.start({run: 'left', argv: ['sleep', '60']})
    const following = own.follow('left', {onRecord: () => undefined})
    const ended = assert.rejects(following)
    await connection.close()
    await ended
    await assert.rejects(own.status('left'))
    await agent.signal('left', 'SIGKILL')
  })
})

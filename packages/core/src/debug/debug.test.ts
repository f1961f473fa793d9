import assert from 'node:assert/strict'
import {mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {errors} from '../errors.ts'
import {type DebugEntry, writeDebugLog} from './log.ts'
import {listDebugLogs, readDebugLogs} from './logs.ts'
import {maskedArgv, masking} from './masking.ts'
import {TraceRing} from './ring.ts'

describe('the ring of traces', () => {
  it('keeps lines in order, with the seconds since its start', () => {
    const ring = new TraceRing()
    ring.push('one')
    ring.push('two')
    const lines = ring.lines()
    assert.deepEqual(lines.map((line) => line.replace(/^\+\d+\.\d{3} /, '')), ['one', 'two'])
    assert.equal(ring.dropped, 0)
  })

  it('keeps the last of what is too much, and counts the rest', () => {
    const ring = new TraceRing(1000)
    for (let i = 0; i < 50_000; i++) ring.push(`line ${i}`)
    const lines = ring.lines()
    assert.match(lines.at(-1) ?? '', /line 49999$/)
    assert.ok(lines.length * 'line 49999\n'.length <= 1000 && lines.length > 80, String(lines.length))
    assert.equal(lines.length + ring.dropped, 50_000)
  })

  it('cuts a line that is longer than a line should be', () => {
    const ring = new TraceRing()
    ring.push('x'.repeat(1_000_000))
    assert.ok((ring.lines()[0]?.length ?? 0) < 10_000)
  })
})

describe('a debug log', () => {
  let state: string
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'cgpu-debug-'))
  })
  afterEach(() => rm(state, {recursive: true}))

  const entry = (more: Partial<DebugEntry> = {}): DebugEntry => ({
    command: 'runtime:create', argv: ['--gpu', 't4'], program: [], version: '1.2.3', exitStatus: 69, ring: new TraceRing(), startedAt: new Date(), ...more,
  })
  const newest = async (): Promise<string> => (await readDebugLogs(state, 1))[0]?.text ?? ''

  it('has what led to the failure, and is for its owner only', async () => {
    const ring = new TraceRing()
    ring.push('GET /api/status 200 5 ms')
    const cause = new Error('ECONNRESET')
    writeDebugLog(state, entry({ring, error: errors.network('it hung up', {code: 'HUNG_UP', fix: 'try again', cause})}), {})
    const text = await newest()
    for (const line of [/^command: cgpu runtime create --gpu t4$/m, /^exit: 69$/m, /^cgpu: 1\.2\.3$/m, /^error: HUNG_UP \(network\): it hung up$/m, /^fix: try again$/m, /^\s+at /m, /^caused by Error: ECONNRESET$/m, /GET \/api\/status 200 5 ms$/m]) assert.match(text, line)
    const [log] = await listDebugLogs(state)
    assert.deepEqual([log?.command, log?.exitStatus, log?.bytes], ['cgpu runtime create --gpu t4', 69, Buffer.byteLength(text)])
    if (process.platform === 'win32') return
    assert.equal((await stat(log?.path ?? '')).mode & 0o777, 0o600)
    assert.equal((await stat(join(state, 'debug'))).mode & 0o777, 0o700)
  })

  it('keeps the newest twenty, and nothing half', async () => {
    for (let i = 0; i < 23; i++) {
      // the clock may stand still between two
      const old = `2020-01-${String(i + 1).padStart(2, '0')}T00-00-00.000Z-exec-1.log`
      writeDebugLog(state, entry(), {})
      await writeFile(join(state, 'debug', old), '')
    }
    writeDebugLog(state, entry(), {})
    const names = await readdir(join(state, 'debug'))
    assert.equal(names.length, 20)
    assert.ok(names.every((name) => name.endsWith('.log')))
  })

  it('that cannot be written is not missed', async () => {
    await writeFile(join(state, 'debug'), 'in the way')
    writeDebugLog(state, entry(), {})
    assert.deepEqual(await listDebugLogs(state), [])
  })

  it('that nobody left is NO_DEBUG_LOG', async () => {
    await assert.rejects(readDebugLogs(state, 1), {code: 'NO_DEBUG_LOG', exit: 66})
  })

  it('has no secret, wherever it came from', async () => {
    const ring = new TraceRing()
    for (const line of ['GET /x?token=canary-one 200', 'open https://me:canary-two@example.com/', 'from the environment: canary-three']) ring.push(line)
    const error = errors.auth('it refused canary-three', {code: 'REFUSED', cause: new Error('password=canary-four')})
    writeDebugLog(state, entry({ring, error, argv: ['--token', 'canary-five', '-e', 'X=canary-six', 'https://h/?token=canary-seven'], program: ['--password=canary-eight']}), {MY_TOKEN: 'canary-three', HTTPS_PROXY: 'http://u:canary-nine@p'})
    const text = await newest()
    assert.doesNotMatch(text, /canary/)
    assert.match(text, /--token "\[redacted\]" -e "X=\[redacted\]"/)
  })

  it('has no control characters', async () => {
    const ring = new TraceRing()
    ring.push('\u001b[2Jtwo\nlines')
    writeDebugLog(state, entry({ring, argv: ['\u001b]0;x\u0007']}), {})
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(await newest(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  })
})

describe('masking', () => {
  const cases: [argv: string[], shown: string[]][] = [
    [['runtime', 'add', 'http://h/', '--token-stdin', '--name', 'x'], ['runtime', 'add', 'http://h/', '--token-stdin', '--name', 'x']],
    [['--token', 'x', 'y'], ['--token', '[redacted]', 'y']],
    [['--api-key=x'], ['--api-key=[redacted]']],
    [['--secret', 'HF_TOKEN', '-f', 'x.py'], ['--secret', '[redacted]', '-f', 'x.py']],
    [['--password', '--json'], ['--password', '--json']],
    [['--env=A=b', '-eA=b', 'A=b c', '--gpu=t4'], ['--env=A=[redacted]', '-eA=[redacted]', 'A=[redacted]', '--gpu=t4']],
  ]
  for (const [argv, shown] of cases) it(`shows ${argv.join(' ')} as ${shown.join(' ')}`, () => assert.deepEqual(maskedArgv(argv), shown))

  it('takes values of variables that are named like secrets', () => {
    const mask = masking({WANDB_API_KEY: 'plain-looking', EPOCHS: '12345678', AWS_ACCESS_KEY_ID: 'something', SHORT_TOKEN: 'ab'})
    assert.equal(mask('plain-looking 12345678 something ab'), '[redacted] 12345678 [redacted] ab')
  })
})

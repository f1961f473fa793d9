import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {isAlive, parseProcStat, parsePs, processStartTime} from './process.ts'

describe('processes', () => {
  it('knows this process and its start time', async () => {
    const startTime = await processStartTime(process.pid)
    assert.ok(startTime)
    assert.equal(await processStartTime(process.pid), startTime)
    assert.equal(await isAlive(process.pid), true)
    assert.equal(await isAlive(process.pid, startTime), true)
    assert.equal(await isAlive(process.pid, `${startTime}0`), false)
  })

  it('sees a child live and die', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], {stdio: 'ignore'})
    const pid = child.pid ?? 0
    const startTime = await processStartTime(pid)
    assert.equal(await isAlive(pid, startTime), true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(await isAlive(pid, startTime), false)
    assert.equal(await processStartTime(pid), undefined)
  })

  it('takes nothing that is no pid', async () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31]) assert.equal(await isAlive(pid), false)
  })

  it('reads /proc/<pid>/stat with any name in it', () => {
    const rest = (state: string): string => `${state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20`
    assert.deepEqual(parseProcStat(`7 (a) R (b) ${rest('S')}`), {alive: true, startTime: '4242'})
    assert.deepEqual(parseProcStat(`7 (a) ${rest('Z')}`), {alive: false})
    assert.deepEqual(parseProcStat(''), {alive: false})
  })

  it('reads a line of ps', () => {
    assert.deepEqual(parsePs('Ss   Sun Nov 22  10:11:12 2026\n'), {alive: true, startTime: 'Sun Nov 22 10:11:12 2026'})
    assert.deepEqual(parsePs('Z    Sun Nov 22  10:11:12 2026\n'), {alive: false})
    assert.deepEqual(parsePs(''), {alive: false})
  })
})

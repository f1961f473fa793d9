import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {ensureDaemon} from './client.ts'
import {newToken} from './handshake.ts'
import {protocolVersion} from './place.ts'

describe('whether a daemon runs', () => {
  let state: string
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'cgpu-client-'))
    mkdirSync(join(state, 'daemon'), {mode: 0o700})
  })
  afterEach(() => rmSync(state, {recursive: true}))
  const left = (pid: number, build = 'this'): ReturnType<typeof ensureDaemon> => {
    const record = {pid, build, version: '1', protocol: protocolVersion, token: newToken(), socket: join(state, 'daemon/daemon.sock')}
    writeFileSync(join(state, 'daemon/daemon.json'), JSON.stringify(record), {mode: 0o600})
    return ensureDaemon({state}, {}, {build: 'this', entry: '/nowhere'})
  }

  it('is told by its process and its build', () => {
    assert.deepEqual([left(process.pid), left(process.pid, 'that'), left(2 ** 22 + 1)], ['running', 'none', 'none'])
  })

  it('is not when its process was killed and is only still listed', async function () {
    if (process.platform !== 'linux') return this.skip()
    // the shell's child ends, and the program that the shell becomes does not fetch it
    const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec cat'], {stdio: ['pipe', 'pipe', 'ignore']})
    try {
      const [line] = await once(parent.stdout, 'data') as [Buffer]
      const pid = Number(line)
      while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) await new Promise((resolve) => setImmediate(resolve))
      assert.equal(left(pid), 'none')
    } finally {
      parent.stdin.end()
      await once(parent, 'close')
    }
  })
})

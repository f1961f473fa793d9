import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

const child = fileURLToPath(new URL('../helpers/dual-stack-child.ts', import.meta.url))

// only Linux lets a process have names of its own
if (process.platform === 'linux') {
  it('row 38: an address of IPv6 that swallows everything costs a moment, for every kind of connection', async function () {
    this.timeout(60_000)
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-hosts-'))
    try {
      const hosts = join(folder, 'hosts')
      await writeFile(hosts, '127.0.0.1 localhost\n::1 dual.test\n127.0.0.1 dual.test\n')
      const node = [process.execPath, '--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', '--dns-result-order=ipv6first', child, 'dual.test']
      const line = `mount --bind "$1" /etc/hosts && shift && exec "$@"`
      const {stdout} = await promisify(execFile)('unshare', ['--map-root-user', '--mount', 'sh', '-c', line, 'sh', hosts, ...node])
      const took = JSON.parse(stdout) as Record<string, number> // the child's own
      assert.deepEqual(Object.keys(took), ['rest', 'account', 'kernel'])
      for (const [what, ms] of Object.entries(took)) assert.ok(ms > 150 && ms < 10_000, `${what}: ${ms} ms`)
    } finally {
      await rm(folder, {recursive: true})
    }
  })
}

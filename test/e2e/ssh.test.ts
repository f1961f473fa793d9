import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {createHash, randomBytes} from 'node:crypto'
import {readFile, stat} from 'node:fs/promises'
import {userInfo} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {makeKey, startSshd, type TestSshd} from '../helpers/sshd.ts'
import {Watched} from '../helpers/watched.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const run = promisify(execFile)

// the tests' system brings an SSH server on Linux only
if (process.platform === 'linux') {
  describe('SSH to a machine that has a server of its own', function () {
    this.timeout(60_000)
    let bench: Workbench
    let sshd: TestSshd
    let at: string[]
    before(async () => {
      bench = await workbench()
      sshd = await startSshd()
      at = ['--port', String(sshd.port), '--identity', sshd.key]
      assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
    })
    after(async () => {
      await sshd?.stop()
      await bench?.remove()
    })

    it('runs commands, with their streams and their status', async () => {
      const ran = await bench.cli(['ssh', ...at, 'there', 'cat; echo out; echo err >&2; exit 7'], {input: 'typed\n'})
      assert.deepEqual([ran.status, ran.stdout], [7, 'typed\nout\n'], ran.stderr)
      assert.match(ran.stderr, /^err$/m)
    })

    it('hands ssh its own options, and works without a name', async () => {
      const ran = await bench.cli(['ssh', ...at, '--', '-o', 'SetEnv=LANG=C', '-T', 'id', '-un'])
      assert.deepEqual([ran.status, ran.stdout], [0, `${userInfo().username}\n`], ran.stderr)
    })

    it('carries scp and git by a configuration of cgpu\'s own', async () => {
      const written = await bench.cli(['ssh', 'config', '--write', ...at])
      assert.equal(written.status, 0, written.stderr)
      const path = join(bench.home.configDir, 'ssh_config')
      assert.match(written.stdout, /^wrote cgpu-there to /)
      assert.match(written.stderr, /Include ".*ssh_config"/)
      assert.equal((await stat(path)).mode & 0o777, 0o600)
      const {env, cwd} = bench.home
      const data = randomBytes(3_000_000)
      await bench.file('sent.bin', data)
      await run('scp', ['-F', path, '-q', 'sent.bin', `cgpu-there:${join(cwd, 'arrived.bin')}`], {env, cwd})
      assert.equal(sha256(await readFile(join(cwd, 'arrived.bin'))), sha256(data))
      await run('git', ['init', '--bare', '--quiet', join(cwd, 'repository.git')], {env, cwd})
      await run('git', ['clone', '--quiet', `cgpu-there:${join(cwd, 'repository.git')}`, 'clone'], {env: {...env, GIT_SSH_COMMAND: `ssh -F '${path}'`}, cwd})
      assert.ok((await stat(join(cwd, 'clone', '.git'))).isDirectory())
    })

    it('says what is missing where no server listens', async () => {
      const refused = await bench.cli(['ssh', '--port', '1', 'there'])
      assertRefused(refused, 64)
      assert.match(refused.stderr, /no SSH server listens on port 1 of there/)
      assertRefused(await bench.cli(['ssh', 'config', '--port', '1', 'there']), 64)
      assert.match((await bench.cli(['ssh', 'config', '--port', '1'])).stderr, /there is left out/)
    })
  })

  describe('SSH to Colab', function () {
    this.timeout(60_000)
    let bench: ColabBench
    let key: string
    before(async () => {
      bench = await colabBench()
      key = join(bench.home.path, 'key')
      await makeKey(key)
      assert.equal((await bench.cli(['runtime', 'create', '--name', 'there', '--cpu'])).status, 0)
    })
    after(() => bench?.remove())

    it('comes in as root, by the provider\'s own way, with a key that is made where there is none', async () => {
      const ran = await bench.cli(['ssh', 'there', '--', 'whoami; cat; exit 3'], {input: 'typed\n'})
      assert.deepEqual([ran.status, ran.stdout], [3, 'root\ntyped\n'], ran.stderr)
      assert.doesNotMatch(ran.stderr, /^error/m)
      assert.equal((await stat(join(bench.home.dataDir, 'state', 'ssh', 'id_ed25519'))).mode & 0o777, 0o600)
    })

    it('takes files by scp, and one session at a time', async () => {
      const printed = await bench.data<{text: string}>(['ssh', 'config', 'there', '--identity', key])
      const path = await bench.file('config', printed.text)
      const {env, cwd} = bench.home
      const data = randomBytes(1_000_000)
      await bench.file('sent.bin', data)
      await run('scp', ['-F', path, '-q', 'sent.bin', 'cgpu-there:/content/arrived.bin'], {env, cwd})
      const first = Watched.cgpu(['ssh', '-i', key, 'there', 'sha256sum /content/arrived.bin; read line'], {home: bench.home, stdin: true})
      await first.shows('stdout', /\n/)
      assert.equal(first.stdout.split(' ')[0], sha256(data))
      const second = await bench.cli(['ssh', '-i', key, 'there', 'true'])
      assert.deepEqual([second.status, /one at a time/.test(second.stderr)], [255, true], second.stderr)
      first.child.stdin?.end('enough\n')
      assert.equal((await first.exit).status, 0, first.stderr)
    })

    it('does not take a key of another kind', async () => {
      const rsa = join(bench.home.path, 'rsa')
      await makeKey(rsa, 'rsa')
      assertRefused(await bench.cli(['ssh', '-i', rsa, 'there', 'true']), 64)
      assertRefused(await bench.cli(['ssh', '-i', join(bench.home.path, 'none'), 'there', 'true']), 66)
    })
  })
}

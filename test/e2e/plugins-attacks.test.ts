import assert from 'node:assert/strict'
import {createSocket} from 'node:dgram'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, readFile, symlink, unlink, writeFile} from 'node:fs/promises'
import {createServer, type Server} from 'node:net'
import {dirname, join} from 'node:path'
import {DatabaseSync} from 'node:sqlite'
import {enforcementOf, meansHere, meansProven} from '@cgpu/plugins'
import {cgpu, type CliOptions, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {installFixture} from '../helpers/untrusted.ts'

/** what -> attack -> null where it worked */
type Results = Record<string, Record<string, string | null>>

// research/security-reliability.md section 1.2: what cgpu says to enforce here must hold against every attack
describe('a hostile plugin that is not trusted', () => {
  let home: SealedHome
  let mark: string
  let root: string
  const servers: Server[] = []
  const datagrams: string[] = []
  const udp = createSocket('udp4')
  let targets: string[]

  before(async () => {
    home = await sealedHome()
    const at = (name: string): string => join(home.path, name)
    mark = at('mark')
    root = await installFixture(home, 'evil', {acceptsNetwork: true})
    await mkdir(at('private'))
    await writeFile(at('private/secret.txt'), 'evil-secret')
    new DatabaseSync(at('private/database.db')).exec('create table credentials(x); insert into credentials values (1)')
    await mkdir(join(home.cwd, 'open'))
    await writeFile(join(home.cwd, 'open/note.txt'), 'a note\n')
    await writeFile(join(home.cwd, 'secret.txt'), 'beside')
    await symlink(at('private/secret.txt'), join(home.cwd, 'open/link'))
    const tcp = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')).listen(0, '127.0.0.1')
    const unix = createServer((socket) => socket.end()).listen(at('agent.sock'))
    servers.push(tcp, unix)
    await Promise.all([once(tcp, 'listening'), once(unix, 'listening')])
    const address = tcp.address()
    const port = typeof address === 'object' && address ? address.port : 0
    udp.on('message', (data) => void datagrams.push(data.toString()))
    udp.bind(port, '127.0.0.1')
    await once(udp, 'listening')
    targets = ['--secret', at('private/secret.txt'), '--outside', at('private/new.txt'), '--port', String(port), '--socket', at('agent.sock'), '--database', at('private/database.db')]
  })
  after(async () => {
    for (const server of servers) server.close()
    udp.close()
    await home.remove()
  })

  const evil = (args: readonly string[], options: Partial<CliOptions> = {}) =>
    cgpu(['evil', ...args], {home, ...options, env: {EVIL_TOKEN: 'evil-token', EVIL_MARK: mark, EVIL_DECLARED: 'declared-value', ...options.env}})
  /** no bubblewrap on it */
  const bare = (): Record<string, string> => ({PATH: dirname(process.execPath)})

  for (const [how, env] of [['as this machine can', () => ({})], ['by Node alone', bare]] as const) {
    it(`is held ${how}: what is said to be enforced is`, async () => {
      datagrams.length = 0
      const answer = envelope<Results>(await evil(['all', ...targets, '--json'], {env: env()}))
      assert.ok(answer.ok, JSON.stringify(answer.error))
      const worked = Object.fromEntries(Object.entries(answer.data).map(([what, all]) => [what, Object.keys(all).filter((name) => all[name] === null)]))
      const held = enforcementOf(meansProven({...process.env, ...home.env, ...env()}))
      for (const {what, enforced, by} of held.filter(({what}) => what in worked)) {
        if (enforced) assert.deepEqual(worked[what], [], `${what} is said to be hindered by ${by}: ${JSON.stringify(answer.data[what])}`)
        else assert.notDeepEqual(worked[what], [], `${what} is said not to be hindered, and is: ${JSON.stringify(answer.data[what])}`)
      }
      assert.deepEqual(worked['asks cgpu for more than was granted'], [], JSON.stringify(answer.data['asks cgpu for more than was granted']))
      const allowed = Object.entries(answer.data['what it may, works'] ?? {}).filter(([name, why]) => why !== null && !(name === 'program' && env === bare))
      assert.deepEqual(allowed, [])
      if (held.find(({what}) => what === 'uses the network')?.enforced) assert.deepEqual(datagrams, [])
      assert.equal(await readFile(join(home.cwd, 'open/written.txt'), 'utf8'), 'written')
      assert.equal(await readFile(join(home.path, 'private/secret.txt'), 'utf8'), 'evil-secret')
      assert.equal(existsSync(join(home.path, 'private/new.txt')), false)
      assert.equal(existsSync(mark), false, 'none of its code ran in cgpu')
    })
  }

  it('prints no escape sequence, in what it prints, warns of, fails with or describes itself by', async () => {
    const shouted = await evil(['shout'])
    assert.equal(shouted.status, 66)
    assert.match(shouted.stdout, /52;c;aGk=.*red/)
    assert.match(shouted.stderr, /^error: gone \\x1b\[2J$/m)
    const described = [await evil(['--help']), await cgpu(['--help'], {home}), await cgpu(['evil', 'nothing'], {home}), await cgpu(['version', '--verbose'], {home})]
    // eslint-disable-next-line no-control-regex -- escapes are what is looked for
    for (const {stdout, stderr} of [shouted, ...described]) assert.doesNotMatch(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
    assert.match(described[0]?.stdout ?? '', /for cgpu evil/)
    assert.equal(existsSync(mark), false, 'help runs no template of it')
  })

  it('takes no command of cgpu\'s, and is given no variable by a flag', async () => {
    for (const command of [['exec'], ['run'], ['runtime', 'list']]) {
      const {stdout} = await cgpu([...command, '--help'], {home})
      assert.doesNotMatch(stdout, /attack|takes the place/, command.join(' '))
    }
    assert.doesNotMatch((await evil(['--help'])).stdout, /EVIL_TOKEN/)
    assert.equal((await cgpu(['outside'], {home})).status, 127)
  })

  const ends: [what: string, match: RegExp][] = [
    ['heap', /was ended by SIGABRT|ended with status 134/], ['buffers', /ended|failed/], ['flags', /ended/], ['die', /was ended by SIGKILL|ended with status 137/], ['leave', /ended with status 7/],
    ['flood', /printed more than 67108864 bytes/], ['message', /sent more than 33554432 bytes at once/], ['nonsense', /sent what is no message/],
  ]
  // row 44
  for (const [what, match] of ends) {
    it(`is ended, and named, when it tries "${what}"`, async () => {
      const {status, stderr} = await evil([what])
      assert.equal(status, 65, stderr.slice(-500))
      assert.match(stderr, match)
      assert.match(stderr, /^error: .*cgpu-plugin-evil/m)
      // its own exit has nothing to do with limits
      if (what === 'leave') assert.match(stderr, /^fix: report it to its author$/m)
    })
  }

  it('is refused where its network cannot be denied, unless people accepted that', async () => {
    if (meansHere({PATH: ''}).nodeDeniesNetwork) return
    await installFixture(home, 'evil')
    // one that is there and does not work, as in many containers, is none
    const broken = join(home.path, 'bin')
    await mkdir(broken)
    await writeFile(join(broken, 'bwrap'), '#!/bin/sh\necho "bwrap: no permissions to create a new namespace" >&2\nexit 1\n', {mode: 0o755})
    for (const PATH of [bare()['PATH'] ?? '', `${broken}:${bare()['PATH']}`]) {
      const {status, stderr} = await evil(['leave'], {env: {PATH}})
      assert.equal(status, 64)
      assert.match(stderr, /^error: cgpu-plugin-evil is not trusted, and its network access cannot be denied on this machine: it is not run\nfix: .*--accept-network$/m)
      assert.doesNotMatch(stderr, /namespace/)
    }
    assert.equal(meansProven({PATH: broken}).bwrap, undefined)
    await installFixture(home, 'evil', {acceptsNetwork: true})
  })

  it('is not started with a link that leads out of it', async () => {
    await symlink(join(home.path, 'private'), join(root, 'data'))
    const {status, stderr} = await evil(['leave'])
    assert.deepEqual([status, stderr.split('\n')[0]], [65, 'error: cgpu-plugin-evil has a link that leads out of it: data'])
    await unlink(join(root, 'data'))
  })

  it('gets nothing that was granted to another version', async () => {
    await installFixture(home, 'evil', {acceptsNetwork: true, version: '0.9.0'})
    const {stdout} = await evil(['all', ...targets, '--json'])
    const answer = envelope<Results>({status: 0, signal: null, stdout, stderr: '', bytes: Buffer.from(stdout)})
    assert.match(answer.data['what it may, works']?.['read'] ?? '', /NOT_GRANTED/)
    assert.match(answer.warnings.join('\n'), /0\.9\.0 was agreed to: nothing is granted/)
    await installFixture(home, 'evil', {acceptsNetwork: true})
  })

  it('of which it is not understood how far it is trusted is not trusted', async () => {
    const file = join(home.dataDir, 'plugin-trust.json')
    const before = await readFile(file, 'utf8')
    for (const text of ['not json', before.replace('"untrusted"', '"Trusted"')]) {
      await writeFile(file, text)
      assert.match((await evil(['leave'])).stderr, /ended with status 7|is not trusted/)
      assert.equal(existsSync(mark), false)
    }
    await writeFile(file, before)
  })
})

import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {chmod, mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {type AccountsBed, accountsBed, refusal} from '../helpers/accounts-bed.ts'

const child = fileURLToPath(new URL('../helpers/account-child.ts', import.meta.url))

interface Answer {
  email?: string
  token?: string
  code?: string
  message?: string
  fix?: string
  ms: number
  warnings: string[]
}

describe('where sign-ins are kept', function () {
  this.timeout(60_000)
  let bed: AccountsBed
  beforeEach(async () => {
    bed = await accountsBed()
    await mkdir(bed.configDir, {recursive: true})
  })
  afterEach(() => bed.remove())

  // the Secret Service is Linux's; on other systems the only keyring is that of whoever runs the tests
  if (process.platform === 'linux') describe('row 42: the keyring', () => {
    /** Runs shell lines in a session with a keyring of its own; `cgpu login` and `cgpu token` are processes. Their answers. */
    const session = async (lines: string): Promise<Answer[]> => {
      const script = `
        cgpu() { '${process.execPath}' --conditions=cgpu-source --disable-warning=ExperimentalWarning '${child}' '${bed.configDir}' '${bed.stateDir}' "$@"; }
        unlocked() { printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 & pid=$!; until gdbus call --session --dest org.freedesktop.DBus --object-path / --method org.freedesktop.DBus.NameHasOwner org.freedesktop.secrets | grep -q true; do :; done; }
        lock() { gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets --method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >/dev/null; }
        trap 'kill -9 $pid 2>/dev/null' EXIT
        ${lines}`
      const home = join(bed.configDir, '..')
      const {stdout} = await promisify(execFile)('dbus-run-session', ['--', 'bash', '-c', script], {
        env: {PATH: process.env['PATH'], HOME: home, XDG_DATA_HOME: join(home, 'share'), XDG_RUNTIME_DIR: home, CGPU_COLAB_EMULATOR: bed.google.url},
      })
      return stdout.trim().split('\n').map((line) => JSON.parse(line) as Answer) // written by the child above
    }
    const secretsFile = (): Promise<string> => readFile(join(bed.configDir, 'secrets.json'), 'utf8').catch(() => '')

    it('holds the refresh token, and no file does', async () => {
      const [login, token] = await session('unlocked; cgpu login; cgpu token access-1')
      assert.deepEqual([login?.email, login?.warnings, token?.token], ['me@example.com', [], 'access-2'])
      assert.doesNotMatch(await secretsFile(), /refresh/)
      assert.match(await readFile(join(bed.configDir, 'accounts.json'), 'utf8'), /"store": "keyring"/)
    })

    it('is locked at the sign-in: a file takes its place, and that is said', async () => {
      const [login, token] = await session('unlocked; cgpu login >/dev/null; lock; cgpu login; cgpu token access-2')
      assert.match(login?.warnings.join() ?? '', /the keyring is locked; the sign-in is kept in .*secrets\.json, which only you can read/)
      assert.equal(token?.token, 'access-3')
      assert.match(await secretsFile(), /refresh-1/)
    })

    it('is locked later: it says so, and how to go on', async () => {
      const [, token] = await session('unlocked; cgpu login; lock; cgpu token access-1')
      assert.deepEqual([token?.code, token?.message], ['KEYRING_UNAVAILABLE', 'the keyring is locked'])
      assert.match(token?.fix ?? '', /unlock the keyring/)
    })

    it('hangs: a command waits for no longer than 3 s', async () => {
      const [, token] = await session('unlocked; cgpu login; kill -STOP $pid; cgpu token access-1; kill -CONT $pid')
      assert.deepEqual([token?.code, token?.message], ['KEYRING_UNAVAILABLE', 'the keyring does not answer'])
      assert.ok((token?.ms ?? Infinity) < 20_000, `${token?.ms} ms`)
    })

    it('vanishes between two calls: nobody is signed out by that', async () => {
      const [, gone, back] = await session('unlocked; cgpu login; kill -9 $pid; wait $pid 2>/dev/null; cgpu token access-1; cgpu token')
      assert.equal(gone?.code, 'KEYRING_UNAVAILABLE')
      assert.equal(back?.token, 'access-1')
    })

    it('is not there at all: a file takes its place, and that is said', async () => {
      const {stdout} = await promisify(execFile)(process.execPath, ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', child, bed.configDir, bed.stateDir, 'login'], {
        env: {PATH: process.env['PATH'], HOME: bed.configDir, CGPU_COLAB_EMULATOR: bed.google.url},
      })
      const login = JSON.parse(stdout) as Answer // written by the child above
      assert.equal(login.email, 'me@example.com')
      assert.match(login.warnings.join(), /there is no keyring in this session; the sign-in is kept in .*secrets\.json/)
    })
  })

  it('row 21: eight sign-ins at once in an empty home: none is lost', async () => {
    bed.google.handler = ({path, headers}) => (path === '/oauth2/v2/userinfo' ? {body: {id: '1', email: `${headers.authorization?.replace('Bearer ', '')}@example.com`, verified_email: true}} : undefined)
    await Promise.all(Array.from({length: 8}, () => bed.signIn()))
    const accounts = await bed.open()
    const emails = (await accounts.list()).map(({email}) => email).sort()
    assert.deepEqual(emails, Array.from({length: 8}, (_, i) => `access-${i + 1}@example.com`))
    for (const email of emails) assert.equal(`${await accounts.token({account: email})}@example.com`, email)
    assert.deepEqual(bed.warnings, [])
  })

  describe('row 43: accounts.json', () => {
    const path = (): string => join(bed.configDir, 'accounts.json')
    const broken: [string, string | Buffer][] = [
      ['empty', ''], ['half of it', '{"version": 1, "accounts": [{"id": "goo'], ['NULs', Buffer.alloc(4096)], ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
      ['a list', '[]'], ['accounts of the wrong type', '{"version":1,"accounts":{"a":1}}'], ['an account without an id', '{"version":1,"accounts":[{}]}'],
      ['prototype pollution', '{"version":1,"accounts":[{"__proto__":{"x":1}}]}'],
    ]
    for (const [name, content] of broken) {
      it(`${name}: set aside, its backup used, and that is said`, async () => {
        await bed.signIn()
        bed.google.email = 'you@example.com'
        await bed.signIn()
        await writeFile(path(), content)
        const accounts = await bed.open()
        // the generation before the last one: only the first account was signed in
        assert.deepEqual((await accounts.list()).map(({email}) => email), ['me@example.com'])
        assert.equal(await accounts.token(), 'access-1')
        assert.match(bed.warnings.join(), /accounts\.json was broken .* its last backup is used/)
        assert.ok((await readdir(bed.configDir)).some((one) => one.startsWith('accounts.json.corrupt-')))
      })
    }

    it('broken without a backup: nobody is signed in, and signing in works', async () => {
      await writeFile(path(), '{')
      await assert.rejects((await bed.open()).token(), refusal('SIGN_IN_REQUIRED', 67))
      await bed.signIn()
      assert.equal(await (await bed.open()).token(), 'access-1')
    })

    it('of a newer cgpu: read as far as it is understood, never written', async () => {
      await bed.signIn()
      const newer = (await readFile(path(), 'utf8')).replace('"version": 1', '"version": 2')
      await writeFile(path(), newer)
      assert.equal(await (await bed.open()).token(), 'access-1')
      await assert.rejects(bed.signIn(), refusal('STATE_TOO_NEW', 73))
      assert.equal(await readFile(path(), 'utf8'), newer)
    })

    it('an account of a kind that only a newer cgpu knows is shown, and asked for no token', async () => {
      await bed.signIn()
      await writeFile(path(), (await readFile(path(), 'utf8')).replace('"oauth"', '"passkey"'))
      assert.equal((await (await bed.open()).current()).kind, 'passkey')
      await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('SIGN_IN_REQUIRED', 67, /"passkey"/))
    })
  })

  describe('row 43: secrets.json', () => {
    it('that others may read is not used', async () => {
      await bed.signIn()
      await chmod(join(bed.configDir, 'secrets.json'), 0o644)
      await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('SECRETS_EXPOSED', 67, /chmod 600/))
    })

    it('that lost its content ends the sign-in, and says so', async () => {
      await bed.signIn()
      await writeFile(join(bed.configDir, 'secrets.json'), '{"version":1,"secrets":{}}')
      await assert.rejects((await bed.open()).token({refused: 'access-1'}), refusal('SIGN_IN_EXPIRED', 67, /not where it was kept.*\n?.*auth login --account me@example\.com/))
    })
  })

  it('row 31: a token cache that cannot be written costs a renewal per command', async () => {
    await bed.signIn()
    const path = join(bed.stateDir, 'tokens', (await readdir(join(bed.stateDir, 'tokens'))).find((one) => one.endsWith('.json'))!)
    await rm(path)
    // a folder in its place: nobody can rename a file over it
    await mkdir(join(path, 'x'), {recursive: true})
    assert.deepEqual([await (await bed.open()).token(), await (await bed.open()).token()], ['access-2', 'access-3'])
  })

  it('a broken token cache costs one renewal', async () => {
    await bed.signIn()
    const folder = join(bed.stateDir, 'tokens')
    for (const content of ['', '{"accessToken": 1}', 'x'.repeat(100_000), '{"accessToken":"a b","expiresIn":1,"receivedAt":1,"receivedUptime":1}']) {
      const before = bed.tokenRequests()
      const name = (await readdir(folder)).find((one) => one.endsWith('.json'))
      await writeFile(join(folder, name!), content)
      assert.match(await (await bed.open()).token(), /^access-\d$/)
      assert.equal(bed.tokenRequests(), before + 1)
    }
  })
})

import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {once} from 'node:events'
import {readdir, readFile, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {type Emulator, startEmulator} from '@cgpu/emulator'
import type {Account} from '@cgpu/core/account'
import type {Browser, Page} from 'playwright-core'
import {agreeingBrowser} from '../helpers/agreeing-browser.ts'
import {type BrowserScript, browserScript, consent, startBrowser, withPage} from '../helpers/browser.ts'
import {cgpu, cgpuBin, type CliOptions, type CliResult, envelope, sealedHome, type SealedHome, startCgpu} from '../helpers/cli.ts'
import {Terminal} from '../helpers/terminal.ts'
import {assertRefused, until} from '../helpers/workbench.ts'
import {processesOf} from '../contract/processes-of.ts'

interface Status extends Account {
  active: boolean
  state: string
  store: string
  tokenExpiresAt?: string
}

describe('cgpu auth', function () {
  this.timeout(60_000)
  let emulator: Emulator
  let browser: Browser
  let home: SealedHome
  let script: BrowserScript
  /** everything that was printed */
  const printed: string[] = []

  before(async () => {
    ;[emulator, browser] = await Promise.all([startEmulator(), startBrowser()])
  })
  after(async () => {
    await browser.close()
    await emulator.close()
  })
  beforeEach(async () => {
    home = await sealedHome()
    script = await browserScript(home.path)
    Object.assign(home.env, {CGPU_COLAB_EMULATOR: emulator.url, ...script.env})
  })
  afterEach(async () => {
    // no secret was ever printed
    const secrets = await readFile(join(home.configDir, 'secrets.json'), 'utf8').catch(() => '')
    for (const [, token = ''] of secrets.matchAll(/refreshToken\\":\\"([^"\\]+)/g)) assert.ok(!printed.join().includes(token), 'a refresh token was printed')
    printed.length = 0
    await home.remove()
  })

  const run = async (args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliResult> => {
    const result = await cgpu(args, {home, ...options})
    printed.push(result.stdout, result.stderr)
    return result
  }
  const data = async <T>(args: readonly string[], options: Partial<CliOptions> = {}): Promise<T> => {
    const answer = envelope<T>(await run([...args, '--json'], options))
    assert.ok(answer.ok, JSON.stringify(answer.error))
    return answer.data
  }
  /** A page that is closed too early takes its answer with it. */
  const agreed = async (page: Page, url: string, person: Parameters<typeof consent>[2]): Promise<void> => {
    await consent(page, url, person)
    await page.getByText('cgpu has its answer').waitFor()
  }
  /** `auth login` beside a person at a browser. */
  const login = async (args: readonly string[] = [], person: Parameters<typeof consent>[2] = {email: 'me@example.com'}): Promise<CliResult> => {
    const ending = run(['auth', 'login', ...args])
    await withPage(browser, async (page) => {
      await agreed(page, await script.url(), person)
    })
    return ending
  }

  it('signs in through a real browser', async () => {
    const result = await login()
    assert.deepEqual([result.status, result.stdout], [0, 'signed in as me@example.com\n'], result.stderr)
    assert.match(result.stderr, /open this page to sign in, within 5 min:\n\n {2}http:\/\/127\.0\.0\.1:\d+\/o\/oauth2/)
    assert.equal((await stat(join(home.configDir, 'secrets.json'))).mode & 0o777, 0o600)
    const status = await data<{account: Status; emulator: string}>(['auth', 'status'])
    assert.deepEqual([status.account.email, status.account.state, status.account.active, status.emulator], ['me@example.com', 'signed-in', true, emulator.url])
    const text = await run(['auth', 'status'])
    assert.match(text.stdout, new RegExp(`account +me@example\\.com \\(Me Example\\)[\\s\\S]*allowed +.*colaboratory[\\s\\S]*hosts +the emulator at ${emulator.url}`))
  })

  it('leaves nothing in the browser but a constant page', async () => {
    const ending = run(['auth', 'login'])
    await withPage(browser, async (page) => {
      const answers: {url: string; headers: Record<string, string>}[] = []
      page.on('response', (response) => answers.push({url: response.url(), headers: response.headers()}))
      await consent(page, await script.url(), {email: 'me@example.com'})
      await page.getByText('go back to the terminal').waitFor()
      const last = answers.find(({url}) => url.includes('/callback/'))
      assert.match(last?.headers['content-security-policy'] ?? '', /default-src 'none'/)
      assert.equal(last?.headers['referrer-policy'], 'no-referrer')
      assert.doesNotMatch(await page.content(), /code=|state=/)
    })
    assert.equal((await ending).status, 0)
  })

  it('says so when the person declines', async () => {
    assertRefused({...await login([], {email: 'me@example.com', decision: 'Deny'}), stderr: 'error: the sign-in was declined\nfix: cgpu auth login, and agree on the page that opens\n'}, 67)
    const again = run(['auth', 'login', '--json', '--block'])
    await withPage(browser, async (page) => agreed(page, await script.url(), {email: 'me@example.com', decision: 'Deny'}))
    const {error} = envelope(await again)
    assert.deepEqual([error.code, error.category], ['SIGN_IN_DENIED', 'auth'])
    assertRefused(await run(['auth', 'status']), 67)
  })

  it('says so when the box for Colab is not ticked, and keeps nothing', async () => {
    const result = await login([], {email: 'me@example.com', unticked: /Colab/})
    assert.equal(result.status, 67)
    assert.match(result.stderr, /error: .*not everything was allowed.*colaboratory\nfix: .*tick the box for Colab/)
    assert.deepEqual(await data(['auth', 'list']), [])
    await assert.rejects(stat(join(home.configDir, 'secrets.json')), {code: 'ENOENT'})
  })

  it('with --json prints the page and ends, and a process of its own waits for the answer', async () => {
    const page = await data<{event: string; url: string; expiresInSeconds: number}>(['auth', 'login', '--no-browser'])
    assert.deepEqual([page.event, page.expiresInSeconds], ['auth_required', 300])
    const waiting = envelope(await run(['auth', 'status', '--json']))
    assert.deepEqual([waiting.error.code, waiting.error.retryable, waiting.error.fix], ['SIGN_IN_PENDING', true, `open ${page.url}`])
    // an account that is named may be the one that is waited for
    assert.equal(envelope(await run(['auth', 'status', '--account', 'me@example.com', '--json'])).error.code, 'SIGN_IN_PENDING')
    await withPage(browser, async (tab) => {
      await agreed(tab, page.url, {email: 'me@example.com'})
    })
    await until(async () => (await run(['auth', 'status'])).status === 0, () => 'nobody is signed in')
    await until(() => processesOf(home.path).length === 0, () => 'the process that waited goes on')
    await assert.rejects(stat(join(home.dataDir, 'state', 'sign-in.json')), {code: 'ENOENT'})
  })

  it('with --json tells afterwards why a sign-in failed, and at once when there can be none', async () => {
    const {url} = await data<{url: string}>(['auth', 'login', '--no-browser'])
    await withPage(browser, (tab) => agreed(tab, url, {email: 'me@example.com', decision: 'Deny'}))
    await until(() => processesOf(home.path).length === 0, () => 'the process that waited goes on')
    const {error} = envelope(await run(['auth', 'status', '--json']))
    assert.deepEqual([error.code, error.details], ['SIGN_IN_REQUIRED', {lastSignIn: 'SIGN_IN_DENIED'}])
    assert.match(error.message, /the sign-in was declined/)
    const refused = await run(['auth', 'login', '--json', '--client-config', 'nowhere.json'])
    assert.deepEqual([refused.status, envelope(refused).error.category], [66, 'file'])
  })

  it('with --json --block prints the page first, on stderr, and one object at the end', async () => {
    const child = startCgpu(['auth', 'login', '--json', '--block', '--no-browser'], {home})
    const closed = once(child, 'close') // it may come while the page is being closed
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => (stdout += String(chunk)))
    child.stderr?.on('data', (chunk: Buffer) => (stderr += String(chunk)))
    await until(() => stderr.includes('\n'), () => 'no page was named')
    assert.equal(stdout, '')
    const event = JSON.parse(stderr) as {event: string; url: string; expiresInSeconds: number} // one line
    assert.deepEqual([event.event, event.expiresInSeconds], ['auth_required', 300])
    await withPage(browser, (page) => agreed(page, event.url, {email: 'me@example.com'}))
    await closed
    const answer = JSON.parse(stdout) as {ok: boolean; command: string; data: Account}
    assert.deepEqual([answer.ok, answer.command, answer.data.email], [true, 'auth:login', 'me@example.com'])
  })

  it('takes a pasted address from a terminal, where the browser is elsewhere', async () => {
    const terminal = new Terminal(['auth', 'login', '--no-browser'], {home, cols: 4000})
    await terminal.shows(/paste the address/)
    const url = /(http:\/\/127\.0\.0\.1:\d+\/o\/oauth2\S+)/.exec(terminal.output)?.[1] ?? ''
    const back = await withPage(browser, async (page) => {
      // another machine's 127.0.0.1 has no cgpu: the way back ends before it, as routes see nothing of redirects
      const answered = Promise.withResolvers<string>()
      await page.route('**/o/oauth2/consent', async (route) => {
        answered.resolve((await route.fetch({maxRedirects: 0})).headers()['location'] ?? '')
        await route.abort()
      })
      await consent(page, url, {email: 'me@example.com'})
      return answered.promise
    })
    terminal.type(`${back.replace(/state=[^&]+/, 'state=another')}\r`)
    await terminal.shows(/this is not the address: it belongs to another sign-in/)
    terminal.type(`${back}\r`)
    await terminal.shows(/signed in as me@example\.com/)
    assert.equal((await terminal.exit).exitCode, 0)
  })

  it('Ctrl-C ends the waiting, and nothing listens any more', async () => {
    const ending = run(['auth', 'login', '--no-browser'], {signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /redirect_uri=\S+\n/}})
    const result = await ending
    assert.equal(result.status, 130, result.stderr)
    const redirect = new URL(/(http:\/\/\S+)/.exec(result.stderr)?.[1] ?? '').searchParams.get('redirect_uri') ?? ''
    await assert.rejects(fetch(redirect))
  })

  it('Ctrl-C ends it on a terminal too, where an address may be pasted', async () => {
    const terminal = new Terminal(['auth', 'login', '--no-browser'], {home})
    await terminal.shows(/paste the address/)
    terminal.interrupt()
    assert.equal((await terminal.exit).exitCode, 130)
  })

  it('works with several accounts: list, switch, --account, logout', async () => {
    await login()
    await login([], {email: 'free@example.com'})
    const list = await data<Status[]>(['auth', 'list'])
    assert.deepEqual(list.map(({email, active}) => [email, active]), [['free@example.com', true], ['me@example.com', false]])
    assert.match((await run(['auth', 'switch', 'me@example.com'])).stdout, /switched to me@example\.com/)
    assert.match((await run(['auth', 'list'])).stdout, /^\* +me@example\.com/m)
    assert.equal((await data<{account: Status}>(['auth', 'status', '--account', 'free@example.com'])).account.email, 'free@example.com')
    assertRefused(await run(['auth', 'switch', 'fre@example.com']), 67)
    const out = await run(['auth', 'logout', 'me@example.com'])
    assert.deepEqual([out.status, out.stdout], [0, 'signed out me@example.com\n'], out.stderr)
    assert.deepEqual((await data<Status[]>(['auth', 'list'])).map(({email}) => email), ['free@example.com'])
    assert.match((await run(['auth', 'logout', '--all'])).stdout, /signed out free@example\.com/)
    const refused = await run(['auth', 'status'])
    assertRefused(refused, 67)
    assert.match(refused.stderr, /error: nobody is signed in\nfix: cgpu auth login/)
  })

  it('signing out revokes the sign-in at Google, and leaves no secret here', async () => {
    await login()
    const {token} = await data<{token: string}>(['auth', 'token'])
    const alive = async (): Promise<number> => (await fetch(`${emulator.url}/oauth2/v2/userinfo`, {headers: {authorization: `Bearer ${token}`}})).status
    assert.equal(await alive(), 200)
    await run(['auth', 'logout'])
    assert.equal(await alive(), 401)
    const files = (await readdir(home.path, {recursive: true, withFileTypes: true})).filter((one) => one.isFile())
    for (const {parentPath, name} of files) assert.ok(!(await readFile(join(parentPath, name), 'utf8')).includes(token), join(parentPath, name))
  })

  // on other systems the only keyring is that of whoever runs the tests
  if (process.platform === 'linux') {
    it('keeps the sign-in in the keyring of a desktop session', async () => {
      const {CGPU_KEYRING: _, ...env} = home.env
      const lines = `
        printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 & pid=$!
        trap 'kill -9 $pid' EXIT
        until gdbus call --session --dest org.freedesktop.DBus --object-path / --method org.freedesktop.DBus.NameHasOwner org.freedesktop.secrets | grep -q true; do :; done
        for args in 'auth login' 'auth status --json' 'auth logout'; do '${process.execPath}' -- '${cgpuBin}' $args || exit; done`
      const {stdout} = await promisify(execFile)('dbus-run-session', ['--', 'bash', '-c', lines], {
        cwd: home.cwd, env: {...env, BROWSER: await agreeingBrowser(home.path), XDG_DATA_HOME: join(home.path, 'share'), XDG_RUNTIME_DIR: home.path},
      })
      const [, status = '', out] = stdout.trim().split('\n')
      assert.equal((JSON.parse(status) as {data: {account: Status}}).data.account.store, 'keyring')
      assert.equal(out, 'signed out me@example.com')
      assert.doesNotMatch(await readFile(join(home.configDir, 'secrets.json'), 'utf8').catch(() => ''), /refreshToken/)
    })
  }

  it('asks for Drive later, on top of what was allowed', async () => {
    await login()
    const missing = await run(['auth', 'token', '--scopes', 'drive'])
    assertRefused(missing, 67)
    assert.match(missing.stderr, /fix: cgpu auth login --account me@example\.com --scopes drive/)
    await login(['--account', 'me@example.com', '--scopes', 'drive'])
    assert.equal((await run(['auth', 'token', '--scopes', 'drive'])).status, 0)
    const {account} = await data<{account: Status}>(['auth', 'status'])
    assert.ok(['drive', 'colaboratory'].every((name) => account.scopes.includes(`https://www.googleapis.com/auth/${name}`)), account.scopes.join())
  })

  it('uses an OAuth client of its own, and remembers it', async () => {
    await login(['--client-config', emulator.clientConfig])
    assert.doesNotMatch(await readFile(join(home.configDir, 'accounts.json'), 'utf8'), /emulator-client-secret/)
    await login()
    assert.match((await run(['auth', 'status'])).stdout, /OAuth client +emulator-client/)
  })

  it('a token that was revoked elsewhere: the next command says what to do', async () => {
    await login()
    await emulator.happen({revoke: 'me@example.com'})
    await rm(join(home.dataDir, 'state', 'tokens'), {recursive: true})
    const refused = await run(['auth', 'token'])
    assertRefused(refused, 67)
    assert.match(refused.stderr, /me@example\.com must sign in again[\s\S]*fix: cgpu auth login --account me@example\.com/)
    assertRefused(await run(['auth', 'status']), 67)
    assert.match((await run(['auth', 'list'])).stdout, /must sign in again \(invalid_grant\)/)
    await login(['--account', 'me@example.com'])
    assert.equal((await run(['auth', 'status'])).status, 0)
  })

  it('CGPU_TOKEN needs no sign-in', async () => {
    const env = {CGPU_TOKEN: emulator.token('free@example.com')}
    const status = await data<{account: Status}>(['auth', 'status'], {env})
    assert.deepEqual([status.account.email, status.account.kind, status.account.store], ['free@example.com', 'token', 'CGPU_TOKEN'])
    assert.equal((await run(['auth', 'token'], {env})).stdout, `${env.CGPU_TOKEN}\n`)
    const files = (await readdir(home.path, {recursive: true, withFileTypes: true})).filter((one) => one.isFile())
    for (const {parentPath, name} of files) assert.ok(!(await readFile(join(parentPath, name), 'utf8')).includes(env.CGPU_TOKEN), name)
  })

  it('does not show a token on a terminal unless it is asked to', async () => {
    await login()
    const shy = new Terminal(['auth', 'token'], {home})
    assert.equal((await shy.exit).exitCode, 64)
    assert.match(shy.output, /not shown on a terminal[\s\S]*--show/)
    const shown = new Terminal(['auth', 'token', '--show'], {home})
    assert.equal((await shown.exit).exitCode, 0)
    assert.match(shown.output, /\S{20,}/)
  })

  describe('mistakes', () => {
    it('no OAuth client', async () => {
      const refused = await run(['auth', 'login'], {env: {CGPU_COLAB_EMULATOR: ''}})
      assertRefused(refused, 64)
      assert.match(refused.stderr, /docs\/colab\.md/)
    })
    const mistakes: [string, string[], number][] = [
      ['a client file that is not there', ['login', '--client-config', 'nowhere.json'], 66], ['an unknown scope', ['login', '--scopes', 'drvie'], 64],
      ['a key file that is not there', ['login', '--service-account', 'nowhere.json'], 66], ['two ways at once', ['login', '--adc', '--service-account', 'a'], 64],
      ['an account and --all', ['logout', 'a@b.c', '--all'], 64], ['nobody to sign out', ['logout'], 67], ['nobody to switch to', ['switch', 'a@b.c'], 67],
      ['a token of nobody', ['token'], 67], ['no such account', ['status', '--account', 'a@b.c'], 67],
    ]
    for (const [name, args, status] of mistakes) {
      it(name, async () => assertRefused(await run(['auth', ...args]), status))
    }
    it('--all with nobody signed in is no mistake', async () => {
      assert.deepEqual(await data(['auth', 'logout', '--all']), [])
    })
  })
})

import assert from 'node:assert/strict'
import {readdirSync, readFileSync, statSync} from 'node:fs'
import {copyFile, mkdir, readFile} from 'node:fs/promises'
import {join, relative} from 'node:path'
import type {RuntimeJson, UsageJson} from '@cgpu/core/schema/types'
import type {Browser} from 'playwright-core'
import {browserScript, consent, startBrowser, withPage} from '../helpers/browser.ts'
import {type CliOptions, type CliResult, repoRoot} from '../helpers/cli.ts'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'
import {until} from '../helpers/workbench.ts'

/** Every secret that the emulator gives out looks so; whoever says one of them gives it away. */
const tokens = /emu-(?:access|refresh|proxy|standing|admin)-[0-9a-f]{16,}/g
const granted = 'granted-value-0f9e8d7c'
const clientSecret = 'emulator-client-secret'

/** The command lines of all processes on this machine, again and again, while something runs. */
class CommandLines {
  readonly #seen = new Set<string>()
  readonly #timer = setInterval(() => this.#look(), 15)

  #look(): void {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      try {
        this.#seen.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
      } catch {
        // it has ended
      }
    }
  }

  stop(): string {
    clearInterval(this.#timer)
    return [...this.#seen].join('\n')
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('from a sign-in to the last released machine', function () {
  this.timeout(180_000)
  let colab: TestEmulator
  let user: EmulatorHome
  let browser: Browser
  let lines: CommandLines
  let printed = ''

  const cli = async (args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliResult> => {
    const result = await user.cli(args, options)
    printed += `${result.stdout}\n${result.stderr}\n`
    return result
  }
  const succeed = async (args: readonly string[], options?: Partial<CliOptions>): Promise<CliResult> => {
    const result = await cli(args, options)
    assert.equal(result.status, 0, `cgpu ${args.join(' ')}\n${result.stdout}\n${result.stderr}`)
    return result
  }
  const data = async <T>(args: readonly string[]): Promise<T> => (JSON.parse((await succeed([...args, '--json'])).stdout) as {data: T}).data

  before(async () => {
    ;[colab, browser] = await Promise.all([startTestEmulator({scenario: {world: {accessTokenTtl: 3600, rotateRefreshTokens: true}}}), startBrowser()])
    user = await colab.home({signedIn: false})
    await mkdir(join(user.home.cwd, 'examples'))
    await copyFile(join(repoRoot, 'examples/train.py'), join(user.home.cwd, 'examples/train.py'))
    lines = new CommandLines()
  })
  after(async () => {
    lines.stop()
    await browser.close()
    await colab.stop()
  })

  it('signs in on a page, with a client of its own', async () => {
    const script = await browserScript(user.home.path)
    const ending = cli(['auth', 'login', '--client-config', colab.emulator.clientConfig, '--scopes', 'drive'], {env: script.env})
    await withPage(browser, async (page) => {
      await consent(page, await script.url(), {email: 'me@example.com'})
      await page.getByText('cgpu has its answer').waitFor()
    })
    const result = await ending
    assert.deepEqual([result.status, result.stdout], [0, 'signed in as me@example.com\n'], result.stderr)
    assert.match(result.stderr, /new runtimes come from Colab from now on; change that: cgpu config set provider local/)
    assert.equal((await data<{value: string}>(['config', 'get', 'provider'])).value, 'colab')
  })

  it('runs a script on a GPU of its own', async () => {
    const ran = await succeed(['run', '--gpu', 't4', 'examples/train.py', '--epochs', '2'])
    assert.match(ran.stdout, /epoch {3}1\/2/)
    assert.match(ran.stderr, /checking the accelerator[^]*released [a-z-]+ after/)
    assert.deepEqual(await data<RuntimeJson[]>(['runtime', 'list']), [])
  })

  it('works on a machine that stays, over tokens that end', async () => {
    await succeed(['runtime', 'create', '--gpu', 'l4', '--name', 'trainer'])
    assert.equal((await succeed(['exec', 'import os; print(os.getcwd()); 6*7'])).stdout, '/content\n42\n')
    await colab.admin.advance('61m')
    const secret = await succeed(['exec', '--secret', 'API_KEY', 'from google.colab import userdata; print(len(userdata.get("API_KEY")))'], {env: {API_KEY: granted}})
    assert.equal(secret.stdout, `${granted.length}\n`)
    await succeed(['run', '--secret', 'API_KEY', '--verbose', '--', 'sh', '-c', 'test "$API_KEY" && echo given'], {env: {API_KEY: granted}})
    const [shown] = await data<RuntimeJson[]>(['runtime', 'list'])
    assert.deepEqual([shown?.name, shown?.accelerator.name, shown?.state, shown?.account], ['trainer', 'NVIDIA L4', 'ready', 'google:me@example.com'])
    assert.equal((await data<UsageJson>(['usage', '--verbose'])).runtimes, 1)
    await succeed(['cp', 'examples/train.py', 'trainer:'])
    await succeed(['ps', '--verbose'])
    await succeed(['doctor', '--verbose'])
    await succeed(['auth', 'status', '--verbose'])
  })

  it('gives everything back', async () => {
    await succeed(['stop', '--all', '--yes'])
    assert.deepEqual(colab.emulator.world.status().assignments, [])
    assert.deepEqual(await data<RuntimeJson[]>(['runtime', 'list']), [])
  })

  it('keeps secrets in files that only their owner can read, and nowhere else', async () => {
    await until(() => colab.emulator.log.query({site: 'control'}).every(({ms}) => ms !== null), () => 'requests are under way')
    const holders = new Set<string>()
    for (const file of filesBelow(user.home.path)) {
      const text = readFileSync(file, 'latin1')
      if (!text.match(tokens) && !text.includes(clientSecret) && !text.includes(granted)) continue
      assert.equal(statSync(file).mode & 0o077, 0, file)
      assert.ok(!text.includes(granted), `a granted secret is in ${file}`)
      holders.add(relative(user.home.path, file).replace(/[0-9a-f]{16,}/, 'HASH'))
    }
    assert.ok(holders.has(join('config', 'secrets.json')), 'the refresh token is kept')
    for (const file of holders) assert.match(file, /^config\/secrets\.json$|^data\/state\/(tokens\/HASH\.json|providers\/colab\/tokens?(\.json|\/.*))$/, 'docs/security.md names every place')
  })

  it('prints none, and shows none to other processes', async () => {
    for (const text of [printed, lines.stop()]) {
      assert.deepEqual(text.match(tokens) ?? [], [])
      for (const secret of [clientSecret, granted]) assert.ok(!text.includes(secret), secret)
    }
  })

  it('sends each only where it belongs, and none in an address', async () => {
    const calls = colab.emulator.log.query()
    assert.ok(calls.some(({path}) => path.startsWith('/token')))
    const carried = (site: string, what: string): boolean => calls.some((one) => one.site.startsWith(site) && JSON.stringify(one.headers).includes(what))
    assert.ok(carried('runtime:', 'emu-proxy-') && carried('control', 'emu-access-'), 'the log tells what was sent')
    for (const {site, method, path, headers, body = ''} of calls) {
      const call = `${method} ${site} ${path}`
      // the person's own browser carries the page's state, not a token
      assert.deepEqual(path.match(tokens) ?? [], [], call)
      assert.ok(!path.includes(clientSecret), call)
      const sent = JSON.stringify(headers)
      if (site.startsWith('runtime:')) assert.doesNotMatch(sent, /emu-(access|refresh|standing)-/, call)
      else assert.doesNotMatch(sent, /emu-(refresh|proxy)-/, call)
      if (site === 'control' && !/^\/(token|revoke)\b/.test(path)) assert.doesNotMatch(body, /emu-|emulator-client-secret/, call)
      if (site !== 'control') assert.ok(!sent.includes(granted), call)
    }
  })

  it('leaves nothing when it signs out', async () => {
    const refresh = /emu-refresh-[0-9a-f]+/.exec((await readFile(join(user.home.configDir, 'secrets.json'), 'utf8')))?.[0] ?? ''
    assert.ok(refresh)
    await succeed(['auth', 'logout', '--all'])
    assert.equal(colab.emulator.world.grants.refreshOwner(refresh), null, 'revoked')
    for (const file of filesBelow(user.home.path)) assert.doesNotMatch(readFileSync(file, 'latin1'), /emu-(access|refresh)-|emulator-client-secret/, file)
  })
})

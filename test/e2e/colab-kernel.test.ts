import assert from 'node:assert/strict'
import {type CliResult, envelope} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {assertRefused} from '../helpers/workbench.ts'

/** What a person does on Google's page. */
async function agree(url: string, decision = 'allow'): Promise<void> {
  const answer = await fetch(url, {method: 'POST', body: new URLSearchParams({decision})})
  assert.equal(answer.status, 200)
}

const userdata = 'from google.colab import userdata\n'

describe('what code on Colab asks for', function () {
  this.timeout(60_000)
  let bench: ColabBench
  const exec = (code: string, flags: string[] = [], env: Record<string, string> = {}): Promise<CliResult> => bench.cli(['exec', ...flags, code], {env})

  before(async () => {
    bench = await colabBench()
    Object.assign(bench.home.env, {CGPU_KEYRING: 'off'})
    const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
    assert.equal(made.status, 0, made.stderr)
    assert.equal((await bench.cli(['secret', 'set', 'KEPT'], {input: 'kept-value\n'})).status, 0)
  })
  after(() => bench?.remove())

  describe('secrets', () => {
    it('that were granted are given, as often as they are asked for, amid output', async () => {
      const code = `${userdata}for i in range(20): print(i, userdata.get("KEPT"), userdata.get("HERE"), flush=True)`
      const {status, stdout, stderr} = await exec(code, ['--secret', 'KEPT', '--secret', 'HERE'], {HERE: 'größe "1"'})
      assert.deepEqual([status, stderr], [0, ''])
      assert.equal(stdout, Array.from({length: 20}, (_, i) => `${i} kept-value größe "1"\n`).join(''))
    })

    it('that were granted to a REPL are given to each of its cells', async () => {
      const {status, stdout, stderr} = await bench.cli(['repl', '--secret', 'KEPT'], {input: `${userdata}userdata.get("KEPT")\nuserdata.get("KEPT")[:4]\n`})
      assert.deepEqual([status, stdout, stderr], [0, "'kept-value'\n'kept'\n", ''])
    })

    it('that are kept but were not granted are refused as Colab does, and the person is told how to grant them', async () => {
      const {status, stdout, stderr} = await exec(`${userdata}userdata.get("KEPT")`)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, /NotebookAccessError/)
      assert.match(stderr, /warning: the code asked for the secret KEPT, which was not granted; add --secret KEPT\n/)
      assert.doesNotMatch(stderr, /kept-value/)
    })

    it('that are only in the environment of cgpu are not there for code that was not granted them', async () => {
      const {status, stderr} = await exec(`${userdata}userdata.get("HERE")`, ['--secret', 'KEPT'], {HERE: 'x'})
      assert.equal(status, 1)
      assert.match(stderr, /SecretNotFoundError/)
    })

    it('are in no state file, trace or event', async () => {
      const code = `${userdata}import hashlib; print(hashlib.sha256(userdata.get("HERE").encode()).hexdigest())`
      const value = 'battery-horse-staple-2311'
      for (const more of [['--verbose'], ['--output', 'ndjson'], ['--json']]) {
        const {status, stdout, stderr} = await exec(code, ['--secret', 'HERE', ...more], {HERE: value})
        assert.equal(status, 0, stderr)
        assert.doesNotMatch(stdout + stderr, new RegExp(value))
      }
    })
  })

  describe('what only a browser could do', () => {
    it('is refused at once, with what to do instead', async () => {
      const started = performance.now()
      const {status, stderr} = await exec('from google.colab import files; files.upload()')
      assert.equal(status, 1)
      assert.match(stderr, /MessageError: .*copy files with: cgpu cp/)
      assert.ok(performance.now() - started < 30_000)
    })
  })

  describe('Drive', () => {
    it('needs the consent of the account, whose page is told', async () => {
      const refused = await bench.cli(['drive', 'mount'])
      assertRefused(refused, 67)
      assert.match(refused.stderr, /\nfix: agree at http:\S+\/emulator\/consent\?\S+ and try again\n/)
      const {error} = envelope(await bench.cli(['drive', 'mount', '--json']))
      assert.equal(error.code, 'CONSENT_REQUIRED')
      await agree(String(error.details?.['url']), 'deny')
      assertRefused(await bench.cli(['drive', 'mount']), 67)
      const {status, stderr} = await exec('from google.colab import drive; drive.mount("/content/drive")')
      assert.equal(status, 1)
      assert.match(stderr, /MessageError: cgpu: this machine may not use your Google Drive yet \(agree at http:\S+ and try again\)/)
    })

    it('is mounted once agreed, for code and for runs, as often as one likes', async () => {
      const {error} = envelope(await bench.cli(['drive', 'mount', '--json']))
      await agree(String(error.details?.['url']))
      assert.deepEqual(await bench.data(['drive', 'mount']), {runtime: 'colab', path: '/content/drive', already: false})
      assert.deepEqual(await bench.data(['drive', 'mount']), {runtime: 'colab', path: '/content/drive', already: true})
      const again = await bench.cli(['drive', 'mount'])
      assert.deepEqual([again.status, again.stdout, again.stderr], [0, '', 'Drive is mounted already on colab at /content/drive\n'])
      const code = await exec('from google.colab import drive; drive.mount("/content/drive"); open("/content/drive/MyDrive/from-exec.txt", "w").write("hello")')
      assert.equal(code.status, 0, code.stderr)
      const {stdout} = await bench.cli(['run', '--', 'cat', '/content/drive/MyDrive/from-exec.txt'])
      assert.equal(stdout, 'hello')
    })

    it('is unmounted, and then is not there', async () => {
      assert.deepEqual(await bench.data(['drive', 'mount']), {runtime: 'colab', path: '/content/drive', already: true})
      assert.deepEqual(await bench.data(['drive', 'unmount']), {runtime: 'colab', unmounted: true})
      assert.deepEqual(await bench.data(['drive', 'unmount']), {runtime: 'colab', unmounted: false})
      assert.notEqual((await bench.cli(['run', '--', 'ls', '/content/drive/MyDrive'])).status, 0)
    })

    it('is not mounted where it cannot be', async () => {
      for (const path of ['relative', '/with a space', '/a\nb', '/']) assertRefused(await bench.cli(['drive', 'mount', path]), 64, path)
      const refused = await bench.cli(['drive', 'mount', '/no/such/folder/drive'])
      assertRefused(refused, 69)
      assert.match(refused.stderr, /Drive on colab: Mountpoint must be in a directory that exists/)
    })
  })

  describe('credentials of the account', () => {
    const code = 'import os; os.environ["USE_AUTH_EPHEM"] = "1"\nfrom google.colab import auth\nauth.authenticate_user()\nprint("authenticated")'

    it('are given with consent only', async () => {
      const refused = await exec(code)
      assert.equal(refused.status, 1)
      const [, url] = /agree at (http:\S+)/.exec(refused.stderr) ?? []
      assert.ok(url, refused.stderr)
      await agree(url)
      const {status, stdout, stderr} = await exec(code)
      assert.equal(status, 0, stderr)
      assert.match(stdout, /authenticated/)
    })
  })
})

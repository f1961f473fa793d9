// The examples in the help of `cgpu auth …`, run at an emulator, where everybody agrees to everything.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {generateKeyPairSync} from 'node:crypto'
import {copyFileSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {agreeingBrowser} from '../helpers/agreeing-browser.ts'
import {cgpuBin} from '../helpers/cli.ts'
import {startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'
import {examples, isAuthExample} from '../helpers/examples.ts'

const robot = 'robot@project.iam.gserviceaccount.com'
const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048, publicKeyEncoding: {type: 'spki', format: 'pem'}, privateKeyEncoding: {type: 'pkcs8', format: 'pem'}})

/** How the person elsewhere takes part in an example that waits for them. */
const beside: Record<string, string> = {
  'cgpu auth login --no-browser': 'cgpu auth login --no-browser 2>page.txt & until grep -q redirect_uri page.txt; do sleep 0.1; done; "$BROWSER" "$(grep -o "http[^ ]*" page.txt | head -1)"; wait $!',
}
const signIn = 'cgpu auth login --client-config client.json'

describe('examples in the help of auth', function () {
  this.timeout(60_000)
  let emulator: TestEmulator
  let shell: (line: string) => Promise<string>

  before(async () => {
    emulator = await startTestEmulator({scenario: {world: {serviceAccounts: [{email: robot, publicKey}]}}})
    const {home} = await emulator.home({signedIn: false})
    const bin = join(home.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`, {mode: 0o755})
    copyFileSync(emulator.emulator.clientConfig, join(home.cwd, 'client.json'))
    writeFileSync(join(home.cwd, 'key.json'), JSON.stringify({type: 'service_account', client_email: robot, private_key: privateKey}), {mode: 0o600})
    const env = {...home.env, PATH: `${bin}:${home.env['PATH']}`, BROWSER: await agreeingBrowser(home.path)}
    shell = async (line) => (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', line], {env, cwd: home.cwd})).stdout
    await shell(signIn)
  })
  after(() => emulator.stop())

  const all = examples().filter(isAuthExample)
  const last = all.filter((line) => line.includes('logout'))
  for (const line of [...all.filter((one) => !last.includes(one)), ...last]) {
    it(line, async () => {
      // whoever signed in last counts; a service account has no Drive, and none of its own to switch to
      if (/ (switch|logout|token)/.test(line)) await shell(signIn)
      await shell(beside[line] ?? line)
    })
  }

  it('all of them were run', () => {
    assert.ok(all.length >= 12, all.join('\n'))
  })
})

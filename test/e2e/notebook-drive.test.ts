import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {scopes} from '@cgpu/core/google/scopes'
import type {DriveNotebook} from '../../plugins/notebook/src/drive/command.ts'
import {type BrowserScript, browserScript} from '../helpers/browser.ts'
import {envelope, repoRoot} from '../helpers/cli.ts'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'
import {examples, isDriveExample} from '../helpers/examples.ts'
import {assertRefused} from '../helpers/workbench.ts'

const notebook = (source: string): string => JSON.stringify({nbformat: 4, nbformat_minor: 0, metadata: {}, cells: [{cell_type: 'code', source, metadata: {}, execution_count: null, outputs: []}]})

describe('cgpu notebook, in Drive', function () {
  this.timeout(60_000)
  let bed: TestEmulator
  let home: EmulatorHome
  let browser: BrowserScript
  before(async () => {
    bed = await startTestEmulator({scenario: {accounts: [{email: 'me@example.com'}]}})
    home = await bed.home()
    browser = await browserScript(home.home.path)
    Object.assign(home.home.env, browser.env)
  })
  after(() => bed.stop())
  const local = (name: string): string => join(home.home.cwd, name)

  it('shows what is there, and says what the sign-in hides', async () => {
    await writeFile(local('train.ipynb'), notebook('train'))
    const put = await home.cli(['notebook', 'put', 'train.ipynb'])
    assert.equal(put.status, 0, put.stderr)
    assert.match(put.stdout, new RegExp(`^${bed.url}/drive/[\\w-]+\\n$`))
    assert.equal(put.stderr, 'train.ipynb: created\n')
    const listed = await home.cli(['nb', 'list'])
    const id = put.stdout.trim().split('/').at(-1)
    assert.match(listed.stdout, new RegExp(`^name         modified             owner           size   id\\ntrain\\.ipynb  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d  me@example\\.com  \\d+ B  ${id}\\n$`))
    const completed = await home.cli(['__complete', 'zsh', 'nb', 'get', 'tr'], {env: {CGPU_COMPLETION_MS: '10000'}})
    assert.match(completed.stdout, /train\.ipynb/)
    const narrow = envelope<DriveNotebook[]>(await home.cli(['notebook', 'list', '--json'], {env: {CGPU_TOKEN: bed.emulator.world.standingToken('me@example.com', [scopes.email, scopes.driveFile])}}))
    assert.deepEqual(narrow.warnings, ['only notebooks that cgpu made are seen: me@example.com allowed no more. to see all: cgpu auth login --account me@example.com --scopes drive'])
    const none = await home.cli(['notebook', 'list'], {env: {CGPU_TOKEN: bed.emulator.world.standingToken('me@example.com', [scopes.email])}})
    assertRefused(none, 67)
  })

  it('asks before it deletes, and sends its token to nobody else', async () => {
    assertRefused(await home.cli(['notebook', 'delete', 'train'], {input: ''}), 64)
    bed.emulator.faults.add({match: {method: 'GET', path: '/drive/v3/files'}, do: {redirect: 'https://example.com/'}})
    const away = envelope(await home.cli(['notebook', 'open', 'train', '--json']))
    assert.equal(away.error.code, 'REDIRECTED')
    bed.emulator.faults.clear()
  })

  it('is where notebook run takes them from, too', async () => {
    const none = await home.cli(['notebook', 'run', 'drive:nowhere'])
    assertRefused(none, 66)
    assert.match(none.stderr, /no notebook drive:nowhere in the Drive of me@example\.com/)
  })

  it('does what its examples show', async () => {
    await writeFile(local('report.ipynb'), notebook('report'))
    const {id} = await home.data<DriveNotebook>(['notebook', 'open', 'train', '--print'])
    const before = ['draft', 'old', 'old-2'].map((name) => `cgpu notebook create ${name}`)
    const lines = [...before, 'cgpu notebook trash old', ...examples('plugins/notebook').filter(isDriveExample)]
    const child = spawn(process.execPath, [join(repoRoot, 'test/helpers/cli-lines-main.mjs')], {cwd: home.home.cwd, env: home.home.env, stdio: ['pipe', 'pipe', 'pipe']})
    child.stdin.end(JSON.stringify(lines.map((line) => line.replace(' | wc -c', '').replace('1a2B3c4D5e6F7g8H9i0JkLmNoPqRsTuVw', id).split(' ').slice(1))))
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), new Promise((resolve) => child.once('close', resolve))])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /\nyou@example\.com  writer\n/)
    assert.equal(await readFile(local('copy.ipynb'), 'utf8'), notebook('train'))
    assert.match(await browser.url(), new RegExp(`^${bed.url}/drive/`))
    const left = await home.data<DriveNotebook[]>(['notebook', 'list'])
    assert.deepEqual(left.map(({name}) => name).sort(), ['baseline.ipynb', 'experiment-gpu.ipynb', 'experiment.ipynb', 'final.ipynb', 'report.ipynb', 'train-2.ipynb', 'train.ipynb'])
  })
})

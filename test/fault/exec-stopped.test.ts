import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {assertCounted, type SessionBed, startSessionBed, until} from '../helpers/session-bed.ts'
import {Watched} from '../helpers/watched.ts'

const child = fileURLToPath(new URL('../helpers/exec-child.ts', import.meta.url))

describe('a machine that sleeps', function () {
  this.timeout(60_000)
  let bed: SessionBed

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  for (const [link, freeze] of [['survives', false], ['is gone without a sign', true]] as const) {
    it(`row 17: SIGSTOP until the code is over, then SIGCONT; the link ${link}`, async () => {
      const go = join(bed.home.path, `go-${link}`)
      const code = [
        'import os, time',
        'for i in range(500):',
        `    while i == 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`,
        '    print(i)',
        `open(${JSON.stringify(`${go}-end`)}, 'w').close()`,
      ].join('\n')
      const args = ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', child, '300', code]
      const watched = new Watched(spawn(process.execPath, args, {env: bed.home.env, cwd: bed.home.cwd, stdio: ['ignore', 'pipe', 'pipe']}))
      await watched.shows('stdout', /^4$/m)
      watched.child.kill('SIGSTOP')
      if (freeze) bed.chaos.freezeExisting()
      await writeFile(go, '')
      await until(() => existsSync(`${go}-end`))
      // several heartbeats late
      await until(async () => (await bed.direct.listKernels()).every(({execution_state: state}) => state === 'idle'))
      watched.child.kill('SIGCONT')
      assert.deepEqual(await watched.exit, {status: 0, signal: null}, watched.stderr)
      assertCounted(watched.numbers, 500)
      if (freeze) assert.match(watched.stderr, /^reconnecting\nconnected\n/)
    })
  }
})

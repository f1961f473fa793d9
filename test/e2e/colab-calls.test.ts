import assert from 'node:assert/strict'
import {readdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'

describe("cgpu's calls of Colab's control plane", function () {
  this.timeout(120_000)
  let bed: TestEmulator
  let home: EmulatorHome
  let script = ''
  before(async () => {
    bed = await startTestEmulator()
    home = await bed.home()
    await home.data(['runtime', 'create', '--provider', 'colab', '--gpu', 'T4', '--name', 'box'])
    script = join(home.home.cwd, 'two.py')
    await writeFile(script, 'print(1 + 1)\n')
  })
  after(() => bed.stop())

  /** What a command asked of the control plane. */
  const asked = async (args: readonly string[]): Promise<string[]> => {
    const before = bed.controlCalls().at(-1)?.id ?? 0
    const ran = await home.cli(args)
    assert.equal(ran.status, 0, ran.stderr)
    return bed.controlCalls(before).map((call) => `${call.method} ${call.path.split('?')[0]}`)
  }
  const atMost = (count: number, calls: string[]): void => assert.ok(calls.length <= count, calls.join(', '))

  it('are one at most for what runs on a machine that was just used', async () => {
    for (const args of [['run', '-r', 'box', script], ['exec', '-r', 'box', '1'], ['runtime', 'list']]) atMost(1, await asked(args))
  })

  it('are three at most when no token is kept', async () => {
    const data = home.home.dataDir
    const kept = (await readdir(data, {recursive: true})).filter((name) => /(^|[\\/])(proxy-tokens\.json|tokens)$/.test(name))
    assert.ok(kept.length >= 2, kept.join())
    for (const name of kept) await rm(join(data, name), {recursive: true})
    atMost(3, await asked(['run', '-r', 'box', script]))
  })

  it('are the same when the machine ends another token', async () => {
    await bed.admin.happen({expire: 'proxy-tokens'})
    atMost(3, await asked(['run', '-r', 'box', script]))
    atMost(1, await asked(['run', '-r', 'box', script]))
  })
})

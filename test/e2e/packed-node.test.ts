import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import type {UpdateResult} from '@cgpu/updater'
import {repoRoot} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {commit, target, UpdateBed} from '../helpers/update-bed.ts'

interface Smoke {
  unpackTo(folder: string, archive: string): void
  runIn(folder: string, args: string[], env?: Record<string, string>): Promise<{status: number | string; stdout: string; stderr: string}>
  smoke(folder: string, options: {version: string; node: string; python?: string}): Promise<void>
}
/** The scripts have no types. */
const script = async <T>(name: string): Promise<T> => (await import(pathToFileURL(join(repoRoot, 'scripts/pack', name)).href)) as T

// the Node that runs this takes the place of the pinned one, which would have to be fetched
describe('a packed cgpu with Node inside, where nothing else is', function () {
  this.timeout(120_000)
  let bed: UpdateBed
  let tools: Smoke
  let folder: string
  before(async function () {
    if (process.platform !== 'linux') this.skip()
    bed = await UpdateBed.start()
    tools = await script<Smoke>('smoke.mjs')
    folder = join(bed.home.path, 'opt')
    const first = bed.pack('0.1.0', {whole: true, level: 0, nodeFile: process.execPath})
    // one is enough: it has more bytes than all the rest
    const nodeFile = join(bed.home.path, 'node')
    await writeFile(nodeFile, `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, {mode: 0o755})
    bed.pack('0.2.0', {whole: true, level: 0, nodeFile})
    bed.release('0.1.0')
    bed.release('0.2.0', 'stable')
    tools.unpackTo(folder, join(bed.site, first))
  })
  after(() => bed?.stop())

  it('has all that belongs in it, and nothing for another system', async () => {
    const {problemsOf} = await script<{problemsOf: (archive: Buffer, about: object) => string[]}>('check.mjs')
    const archive = (version: string): Buffer => readFileSync(join(bed.site, `versions/${version}/cgpu-${version}-${commit.slice(0, 8)}-${target}.tar.gz`))
    assert.deepEqual(problemsOf(archive('0.1.0'), {version: '0.1.0', commit, target, node: true}), [])
    const cut = problemsOf(archive('0.2.0'), {version: '0.2.0', commit, target: 'win32-x64', node: true})
    for (const problem of [/there is no Node inside/, /is compiled for linux/, /build\.json tells of another build/]) assert.ok(cut.some((one) => problem.test(one)), String(problem))
  })

  it('tells its version, has no runtimes, completes, and runs a job on this computer', async () => {
    await tools.smoke(folder, {version: '0.1.0', node: process.versions.node, python: testPython})
  })

  it('updates itself, and goes back', async () => {
    const version = async (): Promise<string | undefined> => (await tools.runIn(folder, ['--version'])).stdout.split(' ')[1]
    const change = async (...args: string[]): Promise<UpdateResult> => {
      const {status, stdout, stderr} = await tools.runIn(folder, [...args, '--json'])
      assert.equal(status, 0, `${stdout}${stderr}`)
      return (JSON.parse(stdout) as {data: UpdateResult}).data // a command's envelope
    }
    assert.deepEqual([(await change('update')).version, await version()], ['0.2.0', '0.2.0'])
    assert.deepEqual([(await change('update', '--rollback')).from, await version()], ['0.2.0', '0.1.0'])
  })
})

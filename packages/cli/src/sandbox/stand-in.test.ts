import assert from 'node:assert/strict'
import {mkdtemp, mkdir, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Config, Plugin} from '@oclif/core/config'
import {standIn} from './stand-in.ts'

/** What is started before hooks of an event, as the SDK keeps it. */
const prepared = (event: string): number => ((globalThis as unknown as Record<symbol, Map<string, unknown[]> | undefined>)[Symbol.for('cgpu.before-hooks')]?.get(event) ?? []).length // see before-hooks.ts

describe('the stand-in of an untrusted plugin', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-stand-in-'))
  })
  after(() => rm(folder, {recursive: true, force: true}))

  const standFor = async (name: string, cgpu: object): Promise<Plugin> => {
    const root = join(folder, name)
    await mkdir(join(root, 'dist'), {recursive: true})
    await writeFile(join(root, 'package.json'), JSON.stringify({name, version: '1.0.0', oclif: {commands: './dist/commands', hooks: {'execution:before': './dist/hook.js'}}, cgpu}))
    await writeFile(join(root, 'dist', 'hook.js'), '')
    return standIn({name, root}, {dataDir: folder, findCommand: () => undefined, findTopic: () => undefined} as unknown as Config, Plugin) // what it uses
  }

  it('has no sandbox started for hooks that are of another contract and are never called', async () => {
    const before = prepared('execution:before')
    for (const [name, cgpu] of [['x-newer', {contract: 99}], ['x-none', {}]] as const) {
      assert.deepEqual(Object.keys((await standFor(name, cgpu)).hooks), ['execution:before'], 'whoever is disabled is told so')
    }
    assert.equal(prepared('execution:before'), before)
    await standFor('x-current', {contract: 1})
    assert.equal(prepared('execution:before'), before + 1)
  })
})

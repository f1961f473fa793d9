import assert from 'node:assert/strict'
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {cgpu, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {assertRefused} from '../helpers/workbench.ts'

describe('cgpu plugins create', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
  })
  after(() => home.remove())
  const create = (...args: string[]) => cgpu(['plugins', 'create', ...args], {home})

  // that it builds and passes its own tests is seen by the test of docs/plugins.md
  it('writes a whole plugin', async () => {
    const made = await create('hello', '--json')
    const {data} = envelope<{name: string; folder: string; files: string[]}>(made)
    assert.deepEqual([data.name, data.folder], ['cgpu-plugin-hello', join(home.cwd, 'cgpu-plugin-hello')])
    assert.deepEqual(data.files.toSorted(), ['.github/workflows/ci.yml', '.gitignore', 'LICENSE', 'README.md', 'package.json', 'src/commands/hello/greet.ts', 'src/hooks/execution-before.ts', 'test/plugin.test.ts', 'tsconfig.json'])
  })

  it('names package and commands as it is told', async () => {
    const {data} = envelope<{name: string; folder: string}>(await create('@me/cgpu-notify', '--directory', 'elsewhere/notify', '--json'))
    assert.deepEqual([data.name, data.folder], ['@me/cgpu-notify', join(home.cwd, 'elsewhere/notify')])
    assert.ok(readdirSync(join(data.folder, 'src/commands/notify')).includes('greet.ts'))
    const pjson = JSON.parse(readFileSync(join(data.folder, 'package.json'), 'utf8')) as {cgpu: object; keywords: string[]}
    assert.deepEqual([pjson.cgpu, pjson.keywords], [{contract: 1, capabilities: [{use: 'kernel', reason: 'tells programs the id of their run'}]}, ['cgpu-plugin']])
  })

  it('refuses a bad name, one of cgpu\'s own, and a folder that holds something, and leaves nothing', async () => {
    mkdirSync(join(home.cwd, 'full/something'), {recursive: true})
    for (const [status, ...args] of [[64, 'No Name'], [64, '../up'], [64, 'runtime'], [64, 'run'], [72, 'other', '--directory', 'full']] as const) assertRefused(await create(...args), status, args.join(' '))
    writeFileSync(join(home.cwd, 'file'), '')
    assertRefused(await create('other', '--directory', 'file/in/it'), 73, 'below a file')
    assert.deepEqual(readdirSync(join(home.cwd, 'full')), ['something'])
    assert.deepEqual(readdirSync(home.cwd).filter((name) => name.startsWith('.cgpu')), [])
  })
})

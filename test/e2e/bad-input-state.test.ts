import assert from 'node:assert/strict'
import {mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

describe('broken state files', () => {
  let bench: Workbench
  let folder: string
  let path: string
  let good: string
  before(async () => {
    bench = await workbench()
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
    folder = join(bench.home.dataDir, 'state/runtimes')
    const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.json'))
    path = join(folder, name)
    good = await readFile(path, 'utf8')
  })
  beforeEach(async () => {
    await rm(`${path}.bak`, {force: true})
    await writeFile(path, good)
  })
  after(() => bench.remove())

  const ways: [string, () => string][] = [
    ['nothing', () => ''], ['half of it', () => good.slice(0, good.length / 2)], ['something else', () => '[1, 2]'], ['no record', () => '{"version": 1, "record": {"id": 3}}'], ['bytes', () => '\0\ufffd\0'],
    ['another record', () => good.replace(/"id": "[^"]*"/, '"id": "other"')],
  ]
  for (const [what, content] of ways) {
    it(`that hold ${what} are set aside with a warning, and the runtime is found again`, async () => {
      await writeFile(path, content())
      const {status, stdout, stderr} = await bench.cli(['runtime', 'list'])
      assert.equal(status, 0, stderr)
      assert.match(stderr, /^warning: .*was broken/m)
      assert.doesNotMatch(stderr, /^\s+at /m)
      // its provider still knows it; only the name is lost
      assert.match(stdout, /local +cpu +ready/)
      assert.equal((await bench.cli(['exec', '6 * 7'])).stdout, '42\n')
      for (const name of await readdir(folder)) if (name.includes('.corrupt-')) await rm(join(folder, name))
    })
  }

  it('are taken from their backup where there is one', async () => {
    await writeFile(`${path}.bak`, good)
    await writeFile(path, '')
    const {status, stdout, stderr} = await bench.cli(['exec', '-r', 'there', '6 * 7'])
    assert.deepEqual([status, stdout], [0, '42\n'], stderr)
    assert.match(stderr, /its last backup is used/)
  })

  it('of a newer cgpu are left alone', async () => {
    const newer = good.replace('"version": 1', '"version": 99')
    await writeFile(path, newer)
    for (const args of [['runtime', 'list'], ['exec', '-r', 'there', '1 + 1'], ['runtime', 'rename', 'there', 'other']]) {
      const {status, stderr} = await bench.cli(args)
      assert.ok(status === 0 || (status !== null && status >= 64 && status <= 75 && status !== 70), stderr)
      assert.doesNotMatch(stderr, /^\s+at /m)
      assert.ok((await readFile(path, 'utf8')).includes('"version": 99'), args.join(' '))
    }
  })

  it('in whose place a folder is are reported', async () => {
    await rm(path)
    await mkdir(path)
    try {
      const {status, stderr} = await bench.cli(['exec', '-r', 'there', '1'])
      assert.ok(status !== null && status >= 64 && status !== 70, stderr)
      assert.doesNotMatch(stderr, /^\s+at /m)
    } finally {
      await rm(path, {recursive: true})
    }
  })

  it('of the folder\'s default and the project are reported with their path', async () => {
    await writeFile(join(bench.home.dataDir, 'state/folders.json'), '{')
    const {status, stderr} = await bench.cli(['exec', '-r', 'there', '1'])
    assert.equal(status, 0, stderr)
    assert.match(stderr, /^warning: .*folders\.json was broken/m)
    await bench.file('cgpu.yaml', 'runtime: [')
    assertRefused(await bench.cli(['exec', '1']), 65)
    await bench.file('cgpu.yaml', 'runtime: [there]\n')
    assertRefused(await bench.cli(['run', '--', 'true']), 65)
  })
})

import assert from 'node:assert/strict'
import {mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {remembering} from './remembered.ts'

describe('remembering what a machine said', () => {
  let folder: string
  let asked: number
  beforeEach(async () => {
    asked = 0
    folder = await mkdtemp(join(tmpdir(), 'cgpu-remembered-'))
    await mkdir(join(folder, 'state', 'runtimes'), {recursive: true})
  })
  afterEach(() => rm(folder, {recursive: true}))

  const file = () => join(folder, 'cache', 'completion', 'remote.json')
  const names = async (where: string, {env = {}, now = 1_000_000, beginning = '', runtime = 'there'}: {env?: NodeJS.ProcessEnv; now?: number; beginning?: string; runtime?: string} = {}): Promise<string[]> => {
    const dirs = {config: join(folder, 'config'), data: folder, cache: join(folder, 'cache'), state: join(folder, 'state')}
    const found = await remembering({dirs, env, cwd: folder, root: folder}, {what: 'entries', folder: where, beginning}, runtime, async () => [{value: `answer ${++asked}`}], now)
    return found.map(({value}) => value)
  }

  it('asks once in ten seconds, for each folder, machine and environment', async () => {
    assert.deepEqual(await names('a/'), ['answer 1'])
    assert.deepEqual(await names('a/', {now: 1_009_999, beginning: 'tr'}), ['answer 1'])
    assert.deepEqual(await names('b/'), ['answer 2'])
    assert.deepEqual(await names('a/', {runtime: 'elsewhere'}), ['answer 3'])
    assert.deepEqual(await names('a/', {env: {CGPU_PROFILE: 'work'}}), ['answer 4'])
    assert.deepEqual(await names('a/', {now: 1_010_000}), ['answer 5'])
    assert.deepEqual(await names('a/', {now: 999_999}), ['answer 6'], 'the clock was put back')
    assert.equal((await stat(file())).mode & 0o777, 0o600)
  })

  it('asks again once a runtime came, went or changed, and where the file is broken', async () => {
    await names('a/')
    await utimes(join(folder, 'state', 'runtimes'), 7, 7)
    assert.deepEqual(await names('a/'), ['answer 2'])
    for (const broken of ['{', '[{}]', '[1]', '{"key": 1}']) {
      await writeFile(file(), broken)
      assert.deepEqual(await names('a/'), [`answer ${asked}`])
    }
    assert.equal(asked, 6)
  })

  it('keeps nothing for a command that was given a secret', async () => {
    assert.deepEqual([await names('a/', {env: {CGPU_TOKEN: 'hf_1'}}), await names('a/', {env: {CGPU_TOKEN: 'hf_1'}})], [['answer 1'], ['answer 2']])
    await assert.rejects(readFile(file()), {code: 'ENOENT'})
  })
})

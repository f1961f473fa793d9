import assert from 'node:assert/strict'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {runCheck, type Surroundings} from './check.ts'
import {checks} from './checks.ts'

describe('doctor', () => {
  let folder: string
  let surroundings: Surroundings
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-doctor-'))
    const env = {CGPU_CONFIG_DIR: join(folder, 'config'), CGPU_DATA_DIR: join(folder, 'data'), CGPU_CACHE_DIR: join(folder, 'cache'), HOME: folder}
    surroundings = {dirs: resolveDirs(env), env, cwd: folder, nodeVersion: '24.1.0', stdout: {}}
  })
  afterEach(() => rm(folder, {recursive: true}))

  const check = async (id: string, change: Partial<Surroundings> = {}) => {
    const found = checks.find((one) => one.id === id)
    assert.ok(found)
    return runCheck(found, {...surroundings, ...change})
  }

  it('refuses an old Node', async () => {
    assert.partialDeepStrictEqual(await check('node', {nodeVersion: '22.17.1'}), {state: 'failed', exit: 64})
    assert.equal((await check('node', {nodeVersion: '22.18.0'})).state, 'ok')
  })

  it('finds a folder that cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    const dirs = {...surroundings.dirs, data: join(folder, 'file', 'data')}
    assert.partialDeepStrictEqual(await check('folders', {dirs}), {state: 'failed', exit: 73})
    assert.equal((await check('folders')).state, 'ok')
  })

  it('reports a wrong setting with its own fix and status', async () => {
    const {state, exit, fix} = await check('settings', {env: {...surroundings.env, CGPU_KEEP: 'perhaps'}})
    assert.deepEqual([state, exit], ['failed', 64])
    assert.match(fix ?? '', /CGPU_KEEP/)
  })

  it('says which proxies are used, without their credentials', async () => {
    assert.partialDeepStrictEqual(await check('proxies', {env: {}}), {state: 'ok', message: 'none set'})
    const {state, message} = await check('proxies', {env: {HTTPS_PROXY: 'http://user:secret@proxy:1'}})
    assert.equal(state, 'ok')
    assert.match(message, /^https through proxy:1 \(HTTPS_PROXY\), http without one/)
    assert.doesNotMatch(message, /secret/)
    const broken = await check('proxies', {env: {all_proxy: 'socks5://user:secret@proxy:1'}})
    assert.partialDeepStrictEqual(broken, {state: 'failed', exit: 64, message: 'all_proxy names a SOCKS proxy, which cgpu cannot use'})
    assert.doesNotMatch(JSON.stringify(broken), /secret/)
  })

  it('takes what a check throws for its failure', async () => {
    const bad = {id: 'x', title: 'x', run: () => Promise.reject(errors.data('broken', {code: 'X', fix: 'mend it'}))}
    assert.deepEqual(await runCheck(bad, surroundings), {id: 'x', title: 'x', state: 'failed', message: 'broken', fix: 'mend it', exit: 65})
  })

  it('gives a hanging check up', async () => {
    const hanging = {id: 'x', title: 'x', run: () => Promise.withResolvers<never>().promise}
    assert.partialDeepStrictEqual(await runCheck(hanging, surroundings, 10), {state: 'failed'})
  })
})

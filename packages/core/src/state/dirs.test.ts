import assert from 'node:assert/strict'
import {mkdtemp, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {ensureDir, resolveDirs} from './dirs.ts'

describe('resolveDirs', () => {
  const home = {platform: 'linux' as const, home: '/home/ada'}

  it('follows oclif: below the home folder by default', () => {
    assert.deepEqual(resolveDirs({}, {}, home), {
      config: '/home/ada/.config/cgpu', data: '/home/ada/.local/share/cgpu', cache: '/home/ada/.cache/cgpu', state: '/home/ada/.local/share/cgpu/state',
    })
  })

  it('follows HOME and the XDG variables', () => {
    const dirs = resolveDirs({HOME: '/h', XDG_CONFIG_HOME: '/c', XDG_CACHE_HOME: '/k'}, {}, home)
    assert.deepEqual([dirs.config, dirs.data, dirs.cache], ['/c/cgpu', '/h/.local/share/cgpu', '/k/cgpu'])
  })

  it('keeps caches where macOS keeps them', () => {
    assert.equal(resolveDirs({}, {}, {platform: 'darwin', home: '/Users/ada'}).cache, '/Users/ada/Library/Caches/cgpu')
  })

  it('uses LOCALAPPDATA on Windows', () => {
    const dirs = resolveDirs({LOCALAPPDATA: '/L', USERPROFILE: '/U'}, {}, {platform: 'win32'})
    assert.deepEqual([dirs.config, dirs.data, dirs.cache], ['/L/cgpu', '/L/cgpu', '/L/cgpu'])
  })

  it('prefers the CGPU variables over what it was given, and that over the default', () => {
    const given = {configDir: '/given/c', dataDir: '/given/d'}
    const dirs = resolveDirs({CGPU_CONFIG_DIR: '/env/c', CGPU_CACHE_DIR: '/env/k'}, given, home)
    assert.deepEqual(dirs, {config: '/env/c', data: '/given/d', cache: '/env/k', state: '/given/d/state'})
  })

  it('takes empty variables as not set', () => {
    assert.equal(resolveDirs({CGPU_CONFIG_DIR: '', XDG_CONFIG_HOME: ''}, {}, home).config, '/home/ada/.config/cgpu')
  })

  describe('ensureDir', () => {
    let folder = ''
    before(async () => { folder = await mkdtemp(join(tmpdir(), 'cgpu-dirs-')) })
    after(() => rm(folder, {recursive: true, force: true}))

    it('makes private folders, and none that are there', async () => {
      const path = await ensureDir(join(folder, 'a', 'b'))
      assert.equal(await ensureDir(path), path)
      if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o700)
    })

    it('says why it cannot', async () => {
      await writeFile(join(folder, 'file'), '')
      await assert.rejects(ensureDir(join(folder, 'file', 'x')), {code: 'CANNOT_WRITE', exit: 73, message: /part of the path is a file/})
    })
  })
})

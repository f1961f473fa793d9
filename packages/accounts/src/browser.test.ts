import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {until} from '../../../test/helpers/workbench.ts'
import {openBrowser} from './browser.ts'

describe('the browser', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-browser-'))
    await writeFile(join(folder, 'browser.sh'), '#!/bin/sh\nprintf "%s\\n" "$@" > "$0.args"\n', {mode: 0o755})
  })
  after(() => rm(folder, {recursive: true}))
  const url = 'http://127.0.0.1:1/?a=1&b=$(touch pwned);c'
  const given = async (): Promise<string[]> => {
    const path = join(folder, 'browser.sh.args')
    const read = (): Promise<string> => readFile(path, 'utf8').catch(() => '')
    await until(async () => (await read()).endsWith('\n'), () => 'the browser was not started')
    const args = (await read()).trimEnd().split('\n')
    await rm(path)
    return args
  }

  it('that does not start is none', async () => {
    assert.equal(await openBrowser(url, {BROWSER: '/nowhere/browser'}), false)
  })
  if (process.platform === 'linux') {
    it('is not looked for on a Linux machine without a display', async () => {
      assert.equal(await openBrowser(url, {}), false)
    })
  }
  if (process.platform !== 'win32') {
    it('is the one that BROWSER names, and no shell reads the address', async () => {
      assert.equal(await openBrowser(url, {BROWSER: join(folder, 'browser.sh')}), true)
      assert.deepEqual(await given(), [url])
    })
    it('gets the address where BROWSER says %s', async () => {
      assert.equal(await openBrowser(url, {BROWSER: `${join(folder, 'browser.sh')} --new-window %s --quiet`}), true)
      assert.deepEqual(await given(), ['--new-window', url, '--quiet'])
    })
    it('is the first of several that starts', async () => {
      assert.equal(await openBrowser(url, {BROWSER: `/nowhere/browser:${join(folder, 'browser.sh')}`}), true)
      assert.deepEqual(await given(), [url])
    })
  }
})

import assert from 'node:assert/strict'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {scopes} from '@cgpu/core/google/scopes'
import type {DriveNotebook} from '../../plugins/notebook/src/drive/command.ts'
import {type BrowserScript, browserScript} from '../helpers/browser.ts'
import {envelope} from '../helpers/cli.ts'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'
import {examples, isDriveExample} from '../helpers/examples.ts'
import {assertRefused} from '../helpers/workbench.ts'

const notebook = (source: string): string => JSON.stringify({nbformat: 4, nbformat_minor: 0, metadata: {}, cells: [{cell_type: 'code', source, metadata: {}, execution_count: null, outputs: []}]})

describe('cgpu notebook, in Drive', function () {
  this.timeout(60_000)
  let bed: TestEmulator
  let home: EmulatorHome
  let browser: BrowserScript
  before(async () => {
    bed = await startTestEmulator({scenario: {accounts: [{email: 'me@example.com'}, {email: 'you@example.com'}]}})
    home = await bed.home()
    browser = await browserScript(home.home.path)
    Object.assign(home.home.env, browser.env)
  })
  after(() => bed.stop())
  const local = (name: string): string => join(home.home.cwd, name)

  it('does what its examples show, one after the other', async () => {
    await writeFile(local('report.ipynb'), notebook('report'))
    await writeFile(local('train.ipynb'), notebook('train'))
    const all = examples('plugins/notebook').filter(isDriveExample)
    const ids: string[] = []
    const first = ['cgpu notebook put train.ipynb']
    const needs: Record<string, string> = {}
    for (const line of [...first, ...all.filter((one) => !first.includes(one))]) {
      const t = performance.now()
      const {status, stderr, stdout} = await home.cli(line.split(' ').slice(1))
      console.log(line, status, Math.round(performance.now() - t), stdout, stderr)
    }
  })
})

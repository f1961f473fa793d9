// The examples of `cgpu emulator`, in the order in which they make sense.
import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {chmodSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {cgpu, cgpuBin, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {examples} from '../helpers/examples.ts'
import {nothingLeft} from '../helpers/workbench.ts'

const last = ['cgpu emulator stop', 'cgpu emulator stop --all']

describe('examples of cgpu emulator', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
    const bin = join(home.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`)
    chmodSync(join(bin, 'cgpu'), 0o755)
    Object.assign(home.env, {PATH: `${bin}:${home.env['PATH']}`})
    writeFileSync(join(home.cwd, 'scenario.yaml'), 'seed: 7\n')
    assert.equal((await cgpu(['emulator', 'start'], {home})).status, 0)
  })
  after(async () => {
    await cgpu(['emulator', 'stop', '--all'], {home})
    await nothingLeft(home)
    await home.remove()
  })

  const all = examples('plugins/emulator')
  for (const line of [...all.filter((one) => !last.includes(one)), ...last]) {
    it(line, function () {
      this.timeout(60_000)
      assert.ok(all.includes(line), 'no command shows this example any more')
      const done = spawnSync('bash', ['-euo', 'pipefail', '-c', line], {env: home.env, cwd: home.cwd, encoding: 'utf8', timeout: 50_000})
      assert.equal(done.status, 0, `${line}\n${done.stdout}\n${done.stderr}`)
    })
  }
})

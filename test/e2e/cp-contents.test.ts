import assert from 'node:assert/strict'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {startJupyter, type TestJupyter} from '../helpers/jupyter-server.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

/** A server of R alone: no agent can be there. */
describe('copies to a server without a Python kernel', function () {
  this.timeout(60_000)
  let bench: Workbench
  let jupyter: TestJupyter
  before(async () => {
    bench = await workbench()
    jupyter = await startJupyter({extraArgs: ['--KernelSpecManager.ensure_native_kernel=False', '--KernelSpecManager.allowed_kernelspecs={"ir"}']})
    const added = await bench.cli(['runtime', 'add', `${jupyter.url}?token=${jupyter.token}`, '--name', 'stats'])
    assert.equal(added.status, 0, added.stderr)
  })
  after(async () => {
    await jupyter.stop()
    await bench.remove()
  })

  it('go by its contents API, and say so', async () => {
    mkdirSync(join(bench.home.cwd, 'data/deep'), {recursive: true})
    writeFileSync(join(bench.home.cwd, 'data/deep/a.csv'), 'x,y\n')
    writeFileSync(join(bench.home.cwd, 'data/big.bin'), Buffer.alloc(5_000_000, 'big'))
    const sent = await bench.cli(['cp', 'data', 'stats:'])
    assert.equal(sent.status, 0, sent.stderr)
    assert.match(sent.stderr, /^warning: stats has no Python kernel: files go by its server's contents API/m)
    assert.equal(readFileSync(join(jupyter.root, 'data/deep/a.csv'), 'utf8'), 'x,y\n')
    assert.equal((await bench.cli(['cp', 'stats:data/', 'back'])).status, 0)
    assert.ok(readFileSync(join(bench.home.cwd, 'back/big.bin')).equals(Buffer.alloc(5_000_000, 'big')))
    assert.equal((await bench.cli(['cp', 'stats:data/deep/a.csv', '-'])).stdout, 'x,y\n')
    assert.equal((await bench.cli(['cp', '-', 'stats:typed.txt'], {input: 'typed'})).status, 0)
    assert.equal(readFileSync(join(jupyter.root, 'typed.txt'), 'utf8'), 'typed')
    assertRefused(await bench.cli(['cp', 'stats:/etc/hostname', '.']), 64)
    assertRefused(await bench.cli(['cp', 'stats:nothing', '.']), 66)
  })
})

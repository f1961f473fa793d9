import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {createServer} from 'node:net'
import {join} from 'node:path'
import {processesOf} from '../contract/processes-of.ts'
import {startCgpu} from '../helpers/cli.ts'
import {assertRefused, until, type Workbench, workbench} from '../helpers/workbench.ts'
import {freePort, testPython} from '../helpers/jupyter-server.ts'

/** Makes a wheel as the format says: a zip of the module and four lines about it. */
const makeWheel = `import sys, zipfile
name, folder = sys.argv[1:]
info = name + '-1.0.dist-info'
with zipfile.ZipFile('%s/%s-1.0-py3-none-any.whl' % (folder, name), 'w') as wheel:
    wheel.writestr(name + '.py', 'answer = 42\\n')
    wheel.writestr(info + '/METADATA', 'Metadata-Version: 2.1\\nName: %s\\nVersion: 1.0\\n' % name)
    wheel.writestr(info + '/WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + '/RECORD', '%s.py,,\\n%s/METADATA,,\\n%s/WHEEL,,\\n%s/RECORD,,\\n' % (name, info, info, info))
`

describe('packages for a run', () => {
  let bench: Workbench
  let env: Record<string, string>
  before(async () => {
    bench = await workbench()
    // into a folder of this test, never into the tests' own Python; nothing is asked of an index
    env = {PIP_TARGET: join(bench.home.path, 'site'), PYTHONPATH: join(bench.home.path, 'site'), PIP_NO_INDEX: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_CONFIG_FILE: '/dev/null'}
    for (const name of ['cgpu_one', 'cgpu_two']) {
      const made = spawnSync(testPython, ['-c', makeWheel, name, bench.home.cwd], {encoding: 'utf8'})
      assert.equal(made.status, 0, made.stderr)
    }
    await bench.file('use.py', 'import sys\nprint([__import__(name).answer for name in sys.argv[1:]])\n')
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'], {env})).status, 0)
  })
  after(() => bench.remove())
  const wheel = (name: string) => join(bench.home.cwd, `${name}-1.0-py3-none-any.whl`)

  it('come from a requirements file', async () => {
    await bench.file('requirements.txt', `# a local wheel\n${wheel('cgpu_one')}\n`)
    const {status, stdout, stderr} = await bench.cli(['run', '--requirements', 'requirements.txt', 'use.py', 'cgpu_one'], {env})
    assert.deepEqual([status, stdout], [0, '[42]\n'], stderr)
    assert.match(stderr, /^installing packages/m)
  })

  it('come from --packages, by name and by address', async () => {
    const {status, stdout, stderr} = await bench.cli(['run', '-p', `cgpu-two @ file://${wheel('cgpu_two')}`, 'use.py', 'cgpu_two'], {env})
    assert.deepEqual([status, stdout], [0, '[42]\n'], stderr)
  })

  it('stop the run when they cannot be had, and say which', async () => {
    const result = await bench.cli(['run', '-q', '-p', 'cgpu-no-such-package', 'use.py'], {env})
    assertRefused(result, 65)
    assert.match(result.stderr, /^error: the packages could not be installed: .*cgpu-no-such-package/)
    const json = await bench.cli(['run', '--json', '-p', 'cgpu-no-such-package', 'use.py'], {env})
    assert.match(json.stdout, /"code":"PACKAGES_NOT_INSTALLED".*"lastLines":\[/)
  })

  it('stop a run on its own runtime as well, which is released', async () => {
    const fresh = await workbench()
    try {
      await fresh.file('use.py', 'print(1)')
      const port = await freePort()
      const result = await fresh.cli(['run', '-p', 'cgpu-no-such-package', 'use.py'], {
        env: {PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`, PIP_RETRIES: '0', PIP_CONFIG_FILE: '/dev/null', PIP_TARGET: join(fresh.home.path, 'site')},
      })
      assert.equal(result.status, 65, result.stderr)
      assert.match(result.stderr, /^error: the packages could not be installed: /m)
      assert.match(result.stderr, /^released /m)
      assert.deepEqual(await fresh.data(['runtime', 'list']), [])
    } finally {
      await fresh.remove()
    }
  })

  it('are left alone when Ctrl-C comes while they are installed', async () => {
    // an index that accepts and never answers keeps pip waiting
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const address = silent.address()
    assert.ok(address !== null && typeof address === 'object')
    const fresh = await workbench()
    try {
      await fresh.file('use.py', 'print("ran")')
      const result = await fresh.cli(['run', '-p', 'cgpu-no-such-package', 'use.py'], {
        env: {PIP_INDEX_URL: `http://127.0.0.1:${address.port}/simple`, PIP_CONFIG_FILE: '/dev/null'}, signalAfter: {signal: 'SIGINT', stream: 'stderr', match: /installing packages/},
      })
      assert.equal(result.status, 130, result.stderr)
      assert.doesNotMatch(result.stdout, /ran/)
      assert.match(result.stderr, /^released /m)
    } finally {
      silent.close()
      await fresh.remove()
    }
  })

  it('are no longer installed when a detached run is given up meanwhile, on a runtime that stays', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const asked = once(silent, 'connection')
    const address = silent.address()
    assert.ok(address !== null && typeof address === 'object')
    const fresh = await workbench()
    fresh.onRemove(async () => silent.close())
    try {
      const made = await fresh.cli(['runtime', 'create'], {env: {PIP_INDEX_URL: `http://127.0.0.1:${address.port}/simple`, PIP_CONFIG_FILE: '/dev/null'}})
      assert.equal(made.status, 0, made.stderr)
      const name = `cgpu-never-there-${address.port}`
      const run = startCgpu(['run', '--detach', '-p', name, '--', 'true'], {home: fresh.home})
      const ended = once(run, 'close')
      await asked
      assert.ok(processesOf(name).length > 1, 'pip runs')
      run.kill('SIGINT')
      assert.deepEqual(await ended, [130, null])
      await until(() => processesOf(name).length === 0, () => 'pip goes on')
      assert.equal((await fresh.data<unknown[]>(['runtime', 'list'])).length, 1)
    } finally {
      await fresh.remove()
    }
  })
})

import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {createProvider} from '@cgpu/provider-local'
import {findPython, type FindContext} from '../../packages/provider-local/src/python/find.ts'
import {type Sealed, sealedContext, until} from './local-context.ts'
import {compute, rejects} from './provider.ts'
import {makeVenv, makeWheels, offlinePip, script} from './pythons.ts'

describe('the environment that cgpu makes for itself', function () {
  this.timeout(120_000)
  let sealed: Sealed
  let context: FindContext
  beforeEach(() => {
    sealed = sealedContext({python: undefined})
    makeVenv(join(sealed.root, 'base'), false)
    makeWheels(join(sealed.root, 'wheels'))
    context = withEnv({})
  })
  afterEach(() => sealed.remove())

  function withEnv(env: Record<string, string>): FindContext {
    return {
      stateDir: sealed.context.stateDir, cwd: sealed.context.cwd, setting: () => undefined, systemPythons: [],
      env: {...process.env, ...offlinePip, HOME: join(sealed.root, 'home'), PATH: '/usr/bin:/bin', VIRTUAL_ENV: join(sealed.root, 'base'), ...env},
    }
  }
  const withWheels = (): FindContext => withEnv({PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(sealed.root, 'wheels')})
  const environments = (): string[] => (existsSync(context.stateDir) ? readdirSync(context.stateDir).filter((name) => name.startsWith('venv-')) : [])

  it('is made with progress, once, and a runtime runs in it', async () => {
    const said: string[] = []
    const ready = withWheels()
    const provider = createProvider({...sealed.context, ...ready, env: {...ready.env, PATH: join(sealed.root, 'none')}})
    const runtime = await provider.create({name: 'x', accelerator: {kind: 'cpu'}}, {onProgress: ({message, detail = ""}) => said.push(`${message} ${detail}`)})
    try {
      assert.match(said.join('\n'), /making a Python environment for Jupyter \(once\)[^]*unpacking 2 packages[^]*starting jupyter_server/)
      const endpoint = await provider.connect(runtime.id)
      assert.match(String(await compute(endpoint, 'import sys; sys.prefix')), /venv-/)
      const again = await findPython(ready)
      assert.equal(again.source, 'managed')
      assert.equal(environments().length, 1)
      rmSync(join(again.python.prefix, 'cgpu-finished'))
      assert.equal(await findPython(ready, {make: false}), undefined, 'half-made is not made')
    } finally {
      await provider.release(runtime.id)
    }
  })

  it('fails with pip\'s words when the index does not answer, and leaves nothing', async () => {
    const error = await rejects(findPython(context), 'PYTHON_ENV_FAILED', 69)
    assert.match(error.message, /No matching distribution found for jupyter_server==/)
    assert.match(error.fix ?? '', /PIP_INDEX_URL/)
    assert.deepEqual(environments(), [])
  })

  it('fails with pip\'s words when the index is switched off', async () => {
    await rejects(findPython(withEnv({PIP_NO_INDEX: '1'})), 'PYTHON_ENV_FAILED', 69)
    assert.deepEqual(environments(), [])
  })

  it('names the package that Debian keeps apart', async () => {
    const answer = '{"version": [3, 11, 2], "executable": "SELF", "prefix": "/usr", "basePrefix": "/usr", "sitePaths": [], "packages": {}, "missing": ["ipykernel"], "problem": ""}'
    const self = join(sealed.root, 'debian/bin/python')
    script(self, `case "$1" in
      *probe.py) echo '${answer.replace('SELF', self)}';;
      *) printf 'The virtual environment was not created successfully because ensurepip is not\\navailable.  On Debian/Ubuntu systems, you need to install the python3-venv\\npackage using the following command.\\n\\n    apt install python3.11-venv\\n'; exit 1;;
    esac`)
    const error = await rejects(findPython(withEnv({VIRTUAL_ENV: join(sealed.root, 'debian'), PATH: ''})), 'PYTHON_ENV_FAILED', 69)
    assert.match(error.fix ?? '', /apt-get install python3-venv \(or python3\.11-venv\)/)
    assert.deepEqual(environments(), [])
  })

  it('tries the next Python when one cannot make an environment', async () => {
    const answer = JSON.stringify({version: [3, 11, 2], executable: 'SELF', prefix: '/', basePrefix: '/', sitePaths: [], packages: {}, missing: ['x'], problem: ''})
    const pythons = ['one', 'two'].map((name) => {
      const self = join(sealed.root, name)
      return script(self, `case "$1" in *probe.py) echo '${answer.replace('SELF', self)}';; *) echo "${name} has no module named venv" >&2; : > ${self}.asked; exit 1;; esac`)
    })
    const error = await rejects(findPython({...withEnv({VIRTUAL_ENV: '', PATH: ''}), systemPythons: pythons}), 'PYTHON_ENV_FAILED', 69)
    assert.match(error.message, /one has no module named venv/)
    for (const path of pythons) assert.ok(existsSync(`${path}.asked`))
  })

  it('stops pip and leaves nothing when it is aborted', async () => {
    const abort = new AbortController()
    const pending = findPython(withWheels(), {signal: abort.signal, onProgress: ({message}) => {
      if (message.startsWith('making')) void until('it is under way', () => environments().length > 0).then(() => abort.abort(new Error('enough')))
    }})
    await assert.rejects(pending, /enough/)
    assert.deepEqual(environments(), [])
  })

  it('is made by one of several that need it at once, after one that was killed over it', async () => {
    const {stateDir, cwd, env} = withWheels()
    const code = `
      import {findPython} from ${JSON.stringify(fileURLToPath(new URL('../../packages/provider-local/src/python/find.ts', import.meta.url)))}
      await findPython({stateDir: ${JSON.stringify(stateDir)}, cwd: ${JSON.stringify(cwd)}, setting: () => undefined, systemPythons: [], env: process.env})`
    const child = spawn(process.execPath, ['--conditions=cgpu-source', '--input-type=module', '-e', code], {env, stdio: 'ignore', detached: true})
    await until('it makes one', () => environments().length > 0)
    // with pip, which else may put its folder there again after it was removed
    process.kill(-(child.pid ?? assert.fail()), 'SIGKILL')
    await once(child, 'exit')
    const found = await Promise.all([findPython(withWheels()), findPython(withWheels())])
    assert.equal(new Set(found.map(({python}) => python.executable)).size, 1)
    assert.equal(environments().length, 1)
  })

  it('says so when there is no room for it', async () => {
    const file = join(sealed.root, 'a-file')
    writeFileSync(file, '')
    await rejects(findPython({...withWheels(), stateDir: join(file, 'state')}), 'CANNOT_WRITE', 73)
    mkdirSync(context.stateDir, {recursive: true})
    assert.equal(readFileSync(file, 'utf8'), '')
  })
})

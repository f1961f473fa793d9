import assert from 'node:assert/strict'
import {mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {findPython} from '../../packages/provider-local/src/python/find.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {type Sealed, sealedContext} from './local-context.ts'
import {rejects} from './provider.ts'
import {addJupyter, counting, makeVenv, packagesOf, script} from './pythons.ts'

describe('finding a Python with Jupyter', () => {
  let sealed: Sealed
  let dir: string
  beforeEach(() => {
    sealed = sealedContext({python: undefined})
    dir = sealed.root
  })
  afterEach(() => sealed.remove())

  const find = (more: {env?: Record<string, string>; cwd?: string; python?: string; systemPythons?: string[]; onProgress?: (event: {message: string}) => void} = {}) =>
    findPython(
      {
        stateDir: sealed.context.stateDir, cwd: more.cwd ?? sealed.context.cwd, systemPythons: more.systemPythons ?? [],
        setting: (key) => (key === 'python' ? more.python : undefined),
        env: {HOME: join(dir, 'home'), PATH: join(dir, 'empty'), ...more.env},
      },
      {make: false, ...(more.onProgress ? {onProgress: more.onProgress} : {})},
    )

  it('takes the project\'s environment first, then the active one, then PATH, then the system\'s', async () => {
    const project = makeVenv(join(dir, 'project/.venv'), true)
    const active = makeVenv(join(dir, 'active'), true)
    script(join(dir, 'bin/python3'), `exec '${testPython}' "$@"`)
    const system = script(join(dir, 'system/python3'), `exec '${testPython}' "$@"`)
    const env = {VIRTUAL_ENV: join(dir, 'active'), PATH: join(dir, 'bin')}
    const found = async (more: Parameters<typeof find>[0]) => {
      const {source, python} = (await find({env, systemPythons: [system], ...more})) ?? assert.fail('none found')
      return [source, python.executable]
    }
    assert.deepEqual(await found({}), ['project', project])
    rmSync(join(dir, 'project/.venv'), {recursive: true})
    assert.deepEqual(await found({}), ['active', active])
    assert.deepEqual(await found({env: {CONDA_PREFIX: join(dir, 'active')}}), ['active', active])
    assert.deepEqual(await found({env: {PATH: join(dir, 'bin')}}), ['path', testPython])
    assert.deepEqual(await found({env: {}}), ['system', testPython])
  })

  it('looks for the project\'s environment up to the top of its repository, and no further', async () => {
    makeVenv(join(dir, 'venv'), true)
    const deep = join(dir, 'project/a/b')
    mkdirSync(deep, {recursive: true})
    mkdirSync(join(dir, 'project/.git'))
    await rejects(find({cwd: deep}), 'PYTHON_NOT_FOUND', 66)
    const project = makeVenv(join(dir, 'project/venv'), true)
    assert.equal((await find({cwd: deep}))?.python.executable, project)
    rmSync(join(dir, 'project/.git'), {recursive: true})
    await rejects(find({cwd: deep}), 'PYTHON_NOT_FOUND', 66)
  })

  it('passes over an environment without Jupyter, and says what that means', async () => {
    makeVenv(join(dir, 'project/.venv'), false)
    const active = makeVenv(join(dir, 'active'), true)
    const said: string[] = []
    const found = await find({env: {VIRTUAL_ENV: join(dir, 'active')}, onProgress: ({message}) => said.push(message)})
    assert.equal(found?.python.executable, active)
    assert.match(said.join(), /project\/\.venv\/bin\/python has no jupyter_server and ipykernel: kernels will not see its packages/)
  })

  it('passes over files that are no Python, broken links, and folders', async () => {
    writeFileSync(join(dir, 'notes'), 'not a program')
    mkdirSync(join(dir, 'project/.venv/bin'), {recursive: true})
    symlinkSync(join(dir, 'gone'), join(dir, 'project/.venv/bin/python'))
    mkdirSync(join(dir, 'project/venv/bin/python'), {recursive: true})
    script(join(dir, 'bin/python3'), 'echo "I am not Python" >&2; exit 3')
    script(join(dir, 'bin/python'), 'echo "{\\"version\\": \\"x\\"}"')
    const error = await rejects(find({env: {PATH: join(dir, 'bin')}}), 'PYTHON_NOT_FOUND', 66)
    assert.match(error.message, /bin\/python3 cannot be run \(I am not Python\)/)
    const good = script(join(dir, 'system'), `exec '${testPython}' "$@"`)
    assert.equal((await find({env: {PATH: join(dir, 'bin')}, systemPythons: [good]}))?.source, 'system')
  })

  it('names a Python that is too old', async () => {
    const old = `echo '{"version": [3, 6, 15], "executable": "/x", "prefix": "/", "basePrefix": "/", "sitePaths": [], "packages": {}, "missing": [], "problem": ""}'`
    script(join(dir, 'bin/python3'), old)
    assert.match((await rejects(find({env: {PATH: join(dir, 'bin')}}), 'PYTHON_TOO_OLD', 66)).message, /python3 is Python 3\.6\.15; 3\.8 or newer/)
    await rejects(find({python: join(dir, 'bin/python3')}), 'PYTHON_TOO_OLD', 66)
  })

  it('says so where there is no Python at all', async () => {
    assert.match((await rejects(find(), 'PYTHON_NOT_FOUND', 66)).message, /no Python on this machine/)
  })

  it('takes the configured one by path, by folder, by name and relative to the folder', async () => {
    const venv = makeVenv(join(dir, 'project/mine'), true)
    script(join(dir, 'bin/python-x'), `exec '${venv}' "$@"`)
    const env = {PATH: join(dir, 'bin')}
    for (const python of [venv, join(dir, 'project/mine'), 'mine', './mine', 'mine/bin/python', 'python-x']) {
      const found = await find({python, env})
      assert.deepEqual([found?.source, found?.python.executable], ['setting', venv], python)
    }
  })

  it('uses no other Python than the configured one', async () => {
    makeVenv(join(dir, 'project/.venv'), true)
    const bare = makeVenv(join(dir, 'bare'), false)
    const missing = await rejects(find({python: bare}), 'PYTHON_WITHOUT_JUPYTER', 64)
    assert.equal(missing.fix, `${bare} -m pip install jupyter_server ipykernel`)
    await rejects(find({python: join(dir, 'nowhere/python')}), 'PYTHON_NOT_FOUND', 66)
    await rejects(find({python: 'no-such-python'}), 'PYTHON_NOT_FOUND', 66)
    await rejects(find({python: script(join(dir, 'liar'), 'echo hello')}), 'PYTHON_NOT_FOUND', 66)
    await rejects(find({python: 'x\u0000y'}), 'PYTHON_NOT_FOUND', 66)
  })

  it('does not take a half-broken Jupyter for one', async () => {
    const venv = makeVenv(join(dir, 'venv'), true)
    mkdirSync(join(packagesOf(join(dir, 'venv')), 'tornado'))
    writeFileSync(join(packagesOf(join(dir, 'venv')), 'tornado/__init__.py'), 'raise ImportError("half an install")')
    const error = await rejects(find({python: venv}), 'PYTHON_WITHOUT_JUPYTER', 64)
    assert.match(error.message, /cannot import jupyter_server \(ImportError: half an install\)/)
  })

  it('imports nothing from the folder that it is called in', async () => {
    for (const name of ['jupyter_server', 'json', 'importlib']) {
      writeFileSync(join(sealed.context.cwd, `${name}.py`), `open(${JSON.stringify(join(dir, 'trap'))}, "w")`)
    }
    assert.ok(await find({python: testPython}))
    assert.throws(() => readFileSync(join(dir, 'trap')), /ENOENT/)
  })

  it('asks each Python once, and again when something was installed', async () => {
    const log = join(dir, 'asked')
    const bare = makeVenv(join(dir, 'bare'), false)
    const env = {VIRTUAL_ENV: join(dir, 'bare'), PATH: join(dir, 'bin')}
    counting(join(dir, 'bin/python3'), testPython, log)
    rmSync(bare)
    counting(bare, makeVenv(join(dir, 'other'), false), log)
    const asked = (): number => readFileSync(log, 'utf8').trim().split('\n').length
    assert.equal((await find({env}))?.source, 'path')
    const first = asked()
    assert.equal(first, 2)
    assert.equal((await find({env}))?.source, 'path')
    assert.equal(asked(), first, 'no Python is asked when nothing changed')
    writeFileSync(join(sealed.context.stateDir, 'pythons.json'), '{"version": 1, "entr')
    await find({env})
    assert.equal(asked(), first + 2, 'a broken cache is none')
  })

  it('sees a Jupyter that was installed after it was asked', async () => {
    const bare = makeVenv(join(dir, 'bare'), false)
    await rejects(find({python: bare}), 'PYTHON_WITHOUT_JUPYTER', 64)
    await rejects(find({python: bare}), 'PYTHON_WITHOUT_JUPYTER', 64)
    const packages = packagesOf(join(dir, 'bare'))
    addJupyter(join(dir, 'bare'))
    // file systems with coarse times: the folder changed for sure
    utimesSync(packages, new Date(), new Date(Date.now() + 5000))
    assert.ok(await find({python: bare}))
  })
})

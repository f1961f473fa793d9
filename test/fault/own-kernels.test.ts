import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {untilThere} from '../helpers/gate.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

describe('kernels of commands that were killed', () => {
  let bench: Workbench
  let server: TestJupyter
  before(async () => {
    bench = await workbench()
    server = await jupyterThere(bench)
    // those that live on: the agent's, and that of `exec`
    assert.equal((await bench.cli(['exec', '1'])).status, 0)
  })
  after(() => bench.remove())

  const kernels = async (): Promise<{id: string; state: string}[]> => {
    const answer = await fetch(new URL('api/kernels', server.url), {headers: {authorization: `token ${server.token}`}})
    return ((await answer.json()) as {id: string; execution_state: string}[]).map(({id, execution_state: state}) => ({id, state})) // Jupyter's
  }
  const at = (name: string): string => join(bench.home.cwd, name)
  const code = (name: string): string => `import os, ipykernel.connect\nopen(${JSON.stringify(at(`${name}.new`))}, "w").write(ipykernel.connect.get_connection_file())
os.rename(${JSON.stringify(at(`${name}.new`))}, ${JSON.stringify(at(`${name}.runs`))})\n${untilThere(at(`${name}.go`))}`
  /** Waits until it runs; the id of its kernel. */
  const begun = async (name: string): Promise<string> => {
    await until(() => existsSync(at(`${name}.runs`)), () => `${name} has not begun`)
    return /kernel-(.+)\.json$/.exec(await readFile(at(`${name}.runs`), 'utf8'))?.[1] ?? assert.fail('its kernel is not known')
  }
  /** Killed while its code runs; the id of the kernel that it had for itself. */
  const killed = async (name: string, args: string[]): Promise<string> => {
    const child = startCgpu(args, {home: bench.home})
    const closed = once(child, 'close')
    const id = await begun(name)
    child.kill('SIGKILL')
    await closed
    return id
  }
  const isThere = async (id: string): Promise<boolean> => (await kernels()).some((one) => one.id === id)
  const next = async (): Promise<void> => {
    const {status, stdout, stderr} = await bench.cli(['exec', '1 + 1'])
    assert.deepEqual([status, stdout, stderr], [0, '2\n', ''])
  }
  const notebook = (source: string): string => JSON.stringify({cells: [{cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null}], metadata: {}, nbformat: 4, nbformat_minor: 4})

  for (const what of ['exec --new-kernel', 'notebook run']) {
    it(`are ended by the next command once their code is over: ${what}`, async () => {
      const name = what.split(' ', 1).join()
      await bench.file(`${name}.ipynb`, notebook(code(name)))
      const id = await killed(name, name === 'exec' ? ['exec', '--new-kernel', code(name)] : ['notebook', 'run', `${name}.ipynb`])
      await next()
      assert.ok(await isThere(id), 'what it runs was left running')
      await writeFile(at(`${name}.go`), '')
      await until(async () => (await kernels()).find((one) => one.id === id)?.state === 'idle', () => 'its code goes on')
      await next()
      assert.equal(await isThere(id), false)
    })
  }

  it('stay where they were to be kept', async () => {
    await bench.file('kept.ipynb', notebook(code('kept')))
    const id = await killed('kept', ['notebook', 'run', 'kept.ipynb', '--keep-kernel'])
    await writeFile(at('kept.go'), '')
    await until(async () => (await kernels()).find((one) => one.id === id)?.state === 'idle', () => 'its code goes on')
    await next()
    assert.ok(await isThere(id))
  })

  it('are left alone while the command lives', async () => {
    const running = bench.cli(['exec', '--new-kernel', code('lives')])
    const id = await begun('lives')
    await next()
    assert.ok(await isThere(id))
    await writeFile(at('lives.go'), '')
    assert.equal((await running).status, 0)
    assert.equal(await isThere(id), false)
    assert.doesNotMatch(JSON.stringify(await bench.data(['runtime', 'list'])), /ownKernels/)
  })
})

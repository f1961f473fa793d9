// What plugins bring by `…:register`: secret sources and metric sinks, from the command line on.
import assert from 'node:assert/strict'
import {mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {envelope} from '../helpers/cli.ts'
import {linkPlugin, type PluginFixture} from '../helpers/plugin.ts'
import {installFixture} from '../helpers/untrusted.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

const value = 'canary-of-a-vault-8c1f6e02'

interface Measured {
  id: string
  kind: string
  status: string
  exitStatus?: number
  durationMs?: number
  stdoutBytes?: number
  peakMemoryBytes?: number
  runtime: {name: string}
}

describe('what plugins register', function () {
  this.timeout(60_000)
  let bench: Workbench
  let log: string

  const vault = (name = 'cgpu-vault'): PluginFixture => ({
    name, hooks: {'secret-source:register': `
      return {source: 'vault', async read(reference, {name}) {
        if (reference === 'broken') throw new Error('the vault is sealed')
        if (reference === 'number') return 7
        return reference === 'kv/app#' + name ? ${JSON.stringify(value)} : undefined
      }}`},
  })
  const sink = (name: string, body: string): PluginFixture => ({name: `cgpu-${name}`, hooks: {'metric-sink:register': `return {name: '${name}', sink: async (one) => { ${body} }}`}})
  const recording = (): PluginFixture => sink('recording', `(await import('node:fs')).appendFileSync(${JSON.stringify(log)}, JSON.stringify(one) + '\\n')`)
  /** What the sink was given since the last look. */
  const taken = async (): Promise<Measured[]> => {
    const lines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)
    await rm(log, {force: true})
    return lines.map((line) => JSON.parse(line) as Measured)
  }
  /** The files below the home that hold the value. */
  const holders = async (): Promise<string[]> => {
    const files = (await readdir(bench.home.path, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile() && !entry.name.startsWith('hook-'))
    // the machine goes on: what it writes aside is gone a moment later
    const found = await Promise.all(files.map(async ({parentPath, name}) => ((await readFile(join(parentPath, name), 'latin1').catch(() => '')).includes(value) ? [name] : [])))
    return found.flat()
  }

  before(async () => {
    bench = await workbench()
    log = join(bench.home.path, 'measured.jsonl')
    Object.assign(bench.home.env, {CGPU_KEYRING: 'off'})
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
    await linkPlugin(bench.home, [vault(), recording()])
  })
  after(() => bench.remove())

  it('gives a program the secret that a source has, and nobody else', async () => {
    const look = ['--', 'sh', '-c', 'printf %s "$TOKEN" | wc -c']
    for (const output of ['text', 'ndjson', 'json']) {
      const {status, stdout, stderr} = await bench.cli(['run', '--verbose', '--output', output, '--secret', 'TOKEN=vault:kv/app#TOKEN', ...look])
      assert.equal(status, 0, stderr)
      assert.match(stdout, new RegExp(`(^|[^0-9])${value.length}\\D`))
      assert.ok(!(stdout + stderr).includes(value))
    }
    const [entry] = await bench.data<{id: string; given: {secret: string[]}}[]>(['history', 'list'])
    assert.deepEqual(entry?.given.secret, ['TOKEN=vault:kv/app#TOKEN'])
    // what was asked for is asked for again
    const again = await bench.cli(['job', 'retry', entry.id])
    assert.deepEqual([again.status, again.stdout.trim()], [0, String(value.length)], again.stderr)
    assert.deepEqual(await holders(), [])
  })

  it('measures executions, and jobs that were left running', async () => {
    await taken()
    assert.equal((await bench.cli(['exec', 'print("12345")'])).status, 0)
    assert.equal((await bench.cli(['run', '--', 'sh', '-c', 'sleep 0.3; exit 3'])).status, 3)
    const id = (await bench.cli(['run', '--detach', '--', 'sh', '-c', 'exit 4'])).stdout.trim()
    assert.equal((await bench.cli(['job', 'wait', id])).status, 4)
    const [cell, run, job, ...more] = await taken()
    assert.deepEqual([more, job?.id], [[], id])
    assert.partialDeepStrictEqual(cell, {kind: 'exec', status: 'ok', exitStatus: 0, stdoutBytes: 6, runtime: {name: 'there'}})
    assert.partialDeepStrictEqual(run, {kind: 'run', status: 'error', exitStatus: 3, stdoutBytes: 0})
    assert.ok((run?.durationMs ?? 0) >= 300 && (cell?.durationMs ?? -1) >= 0)
    assert.partialDeepStrictEqual(job, {kind: 'job', status: 'error', exitStatus: 4, runtime: {name: 'there'}})
    assert.ok((job?.durationMs ?? -1) >= 0)
  })

  it('refuses what no source gives, before anything is made', async () => {
    const refusals: [asked: string, status: number, said: RegExp][] = [
      ['TOKEN=vualt:x', 64, /no source of secrets "vualt".*\nfix: did you mean "vault"\?/], ['TOKEN=hunter2', 64, /names no source of secrets/], ['TOKEN=vault:other', 66, /"vault" of plugin cgpu-vault has no value for TOKEN/],
      ['TOKEN=vault:broken', 69, /cannot give TOKEN: the vault is sealed/], ['TOKEN=vault:number', 69, /no text/],
    ]
    for (const [asked, status, said] of refusals) {
      const refused = await bench.cli(['run', '--secret', asked, '--', 'true'])
      assertRefused(refused, status, asked)
      assert.match(refused.stderr, said)
      assert.ok(!refused.stderr.includes('hunter2'))
    }
  })

  it('goes on where a sink fails or hangs, with a warning', async () => {
    await linkPlugin(bench.home, [recording(), sink('broken', 'throw new Error("no server")'), sink('slow', 'await new Promise(() => {})')])
    await taken()
    const answer = envelope(await bench.cli(['exec', '--json', '6 * 7']))
    assert.ok(answer.ok)
    assert.deepEqual([...answer.warnings].sort(), [
      'the metric sink "broken" of plugin cgpu-broken failed: no server', 'the metric sink "slow" of plugin cgpu-slow failed: timed out after 2000 ms',
    ])
    assert.equal((await taken()).length, 1)
  })

  it('twice is an error that names both, and untrusted not at all', async () => {
    await linkPlugin(bench.home, [vault('cgpu-one'), vault('cgpu-two')])
    const clash = await bench.cli(['run', '--secret', 'TOKEN=vault:x', '--', 'true'])
    assertRefused(clash, 72)
    assert.match(clash.stderr, /cgpu-one and cgpu-two both bring a secret source "vault"/)

    await linkPlugin(bench.home, [])
    const nobody = await bench.cli(['run', '--secret', 'TOKEN=vault:x', '--', 'true'])
    assertRefused(nobody, 64)
    assert.match(nobody.stderr, /no source of secrets "vault".*\nfix: install a plugin that brings it/)
    const folder = join(bench.home.path, 'stranger')
    await mkdir(folder)
    await writeFile(join(folder, 'register.js'), 'import {defineSecretSource} from "@cgpu/plugin-sdk"\nexport default defineSecretSource("vault", () => "x")\n')
    await writeFile(join(folder, 'before.js'), 'import {defineHook, defineMetricSink} from "@cgpu/plugin-sdk"\nexport const sink = defineMetricSink("x", () => {})\nexport default defineHook("execution:before", async () => ({veto: "as I like"}))\n')
    await writeFile(join(folder, 'package.json'), JSON.stringify({name: 'cgpu-stranger', version: '1.0.0', type: 'module', oclif: {hooks: {'secret-source:register': './register.js', 'execution:before': './before.js'}}, cgpu: {contract: 1}}))
    await installFixture(bench.home, folder, {acceptsNetwork: true})
    const refused = await bench.cli(['run', '--secret', 'TOKEN=vault:x', '--', 'true'])
    assertRefused(refused, 64)
    assert.match(refused.stderr, /fix: cgpu-stranger may bring it, and is not trusted: read it, then cgpu plugins trust cgpu-stranger/)
    // its hooks are called, in its sandbox, from files that define either
    const vetoed = await bench.cli(['run', '--', 'true'])
    assertRefused(vetoed, 75)
    assert.match(vetoed.stderr, /cgpu-stranger vetoed this execution: as I like/)
  })
})

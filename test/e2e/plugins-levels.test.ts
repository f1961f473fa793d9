// The same code of a plugin, at both trust levels: what the SDK gives it is the same.
import assert from 'node:assert/strict'
import {once} from 'node:events'
import {mkdirSync, readFileSync} from 'node:fs'
import {createServer, type Server} from 'node:http'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {cgpu, envelope, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {installFixture} from '../helpers/untrusted.ts'

interface Told {
  results: Record<string, {result?: unknown; error?: {code: string; known: boolean}}>
  names: {sdk: string[]; render: string[]; computer: string[]; cgpu: string[][]}
  command: string[]
}

/** What differs from call to call: times, ids and what is measured. */
function steady(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(steady)
  if (typeof value === 'string') return value.replaceAll(/\b0m[a-z0-9]{7}-[0-9a-f]{10}\b/g, 'ID')
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, /^(id|state|executionCount|connections|.*(At|Seconds|Ms|MemoryBytes))$/.test(key) ? typeof one : steady(one)]))
}

describe('a plugin that is trusted, and the same one that is not', function () {
  this.timeout(90_000)
  let home: SealedHome
  let server: Server
  before(async () => {
    home = await sealedHome()
    Object.assign(home.env, {CGPU_PYTHON: testPython, BOTH_SECRET: 'kept'})
    mkdirSync(join(home.cwd, 'shared'))
    server = createServer((request, response) => void text(request).then((sent) => response.end(JSON.stringify({sent})))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const made = await cgpu(['runtime', 'create', '--name', 'here'], {home})
    assert.equal(made.status, 0, made.stderr)
    // its kernel is there for both
    await cgpu(['exec', '1'], {home})
  })
  after(async () => {
    server.close()
    await cgpu(['stop', '--all', '--yes'], {home})
    await home.remove()
  })

  async function told(level: 'trusted' | 'untrusted'): Promise<Told> {
    const address = server.address()
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    const {cgpu: manifest} = JSON.parse(readFileSync(join(repoRoot, 'test/fixtures/plugins/both/package.json'), 'utf8')) as {cgpu: {capabilities: ({use: string} & Record<string, unknown>)[]}} // ours
    const granted = manifest.capabilities.map((one) => (one.use === 'net' ? {...one, hosts: [host]} : one))
    await installFixture(home, 'both', {level, granted: granted as never, acceptsNetwork: true}) // as its package.json has them
    const done = await cgpu(['both', `http://${host}/`, '--runtime', 'here', '--json'], {home, timeoutMs: 85_000})
    const answer = envelope<Told>(done)
    assert.ok(answer.ok, done.stdout + done.stderr)
    return answer.data
  }

  it('are given the same names, which do the same and fail in the same way', async () => {
    const trusted = await told('trusted')
    const untrusted = await told('untrusted')
    assert.deepEqual([trusted.command, untrusted.command], [[], []])
    // what stands behind the contract in the SDK is cgpu's own
    const {sdk: all, ...names} = trusted.names
    const {sdk: given, ...same} = untrusted.names
    assert.deepEqual(same, names)
    const frozen = new Set([...readFileSync(join(repoRoot, 'packages/plugin-sdk/api/current.txt'), 'utf8').split('# @cgpu/plugin-sdk/render')[0]?.matchAll(/^(?:abstract )?(?:class|const|function) (\w+)/gm) ?? []].map(([, name]) => name))
    assert.deepEqual(given.filter((name) => name !== 'runCommand'), all.filter((name) => frozen.has(name)))
    for (const [name, one] of Object.entries(trusted.results)) assert.deepEqual(steady(untrusted.results[name]), steady(one), name)
    const failed = Object.entries(untrusted.results).flatMap(([name, {error}]) => (error ? [`${name}: ${error.code} ${error.known}`] : []))
    assert.deepEqual(failed.filter((one) => !/missing|thrown|release|restart|cancel|remove|files\.list|create/.test(one)), [])
  })
})

// What was written for a contract that is supported works: the fixture is never changed.
import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {readdirSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {CONTRACT, OLDEST_CONTRACT, supportsContract} from '@cgpu/plugin-sdk'
import {type TestHome, testHome} from '@cgpu/plugin-sdk/testing'
import {contracts} from '@cgpu/plugins/install/check'
import {cgpuBin, repoRoot} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'

const fixture = join(repoRoot, 'test/fixtures/plugin-contract-1')

describe('a plugin of contract 1', () => {
  let home: TestHome
  let log: string
  before(async () => {
    home = await testHome({program: [process.execPath, '--', cgpuBin]})
    log = join(home.path, 'frozen.log')
    Object.assign(home.env, {CGPU_PYTHON: testPython, FROZEN_LOG: log})
    await home.link(fixture)
  })
  after(() => home.remove())

  it('is what it was', () => {
    const hash = createHash('sha256')
    const files = readdirSync(fixture, {recursive: true, encoding: 'utf8'}).map((name) => name.replaceAll('\\', '/')).toSorted()
    for (const name of files) if (statSync(join(fixture, name)).isFile()) hash.update(`${name}\n${readFileSync(join(fixture, name), 'utf8')}`)
    assert.equal(hash.digest('hex'), 'fbd5ead3ff3129b940eaed80941f33a9d6736c7bfdfd804aa9691f1155c92c29', 'the fixture is frozen: a new contract gets one of its own')
  })

  it('is supported, unlike what is none', () => {
    assert.equal(supportsContract(1), true)
    // what the installer takes, which stands apart from the SDK, is the same
    assert.deepEqual(contracts, Array.from({length: CONTRACT - OLDEST_CONTRACT + 1}, (_, at) => OLDEST_CONTRACT + at))
    for (const none of [0, 2, 99, 1.5, '1', null, undefined, {a: 1}]) assert.equal(supportsContract(none), false, JSON.stringify(none))
  })

  it('has its commands, errors and warnings', async () => {
    assert.deepEqual(await home.json(['frozen', 'hello', 'you', '--loud']), {
      schema: 1, ok: true, command: 'frozen:hello', data: {greeting: 'HELLO you', contract: 1, usage: 64, error: 'X', provider: 'local'}, warnings: ['mind the gap'],
    })
    const {status, stderr} = await home.cgpu(['frozen', 'hello', 'nobody'])
    assert.deepEqual([status, stderr], [66, 'error: nobody is here\nfix: name somebody\n'])
  })

  it('is asked and told by every hook, and brings its provider and scheme', async () => {
    await home.runtime({name: 'there'})
    assert.equal((await home.cgpu(['run', '--', 'sh', '-c', 'echo $FROZEN'])).stdout, 'run\n')
    const vetoed = await home.cgpu(['run', '--', 'forbidden'])
    assert.deepEqual([vetoed.status, /frozen says no/.test(vetoed.stderr)], [75, true])
    assert.match((await home.cgpu(['cp', 'nowhere://x', 'there:x'])).stderr, /, frozen$/m)
    const created = await home.json(['runtime', 'create', '--provider', 'frozen'])
    assert.ok(!created.ok && /the frozen provider has no machines/.test(created.error.message), JSON.stringify(created))
    assert.equal((await home.cgpu(['stop', 'there', '--yes'])).status, 0)
    const told = readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as {contract: number; outcome?: {status: string}; spec?: object; runtime?: object; released?: boolean}) // written by the fixture
    assert.ok(told.every(({contract}) => contract === 1))
    assert.deepEqual(told.flatMap(({outcome}) => (outcome ? [outcome.status] : [])), ['ok', 'vetoed'])
    assert.ok(told.some(({spec}) => spec) && told.some(({released}) => released === true))
  })
})

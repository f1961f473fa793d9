import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {cgpu, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'

// `runtime list` asks plugins for providers, `runtime create` asks them for permission: real commands, real oclif hooks
describe('plugins that misbehave', () => {
  let home: SealedHome
  beforeEach(async () => {
    home = await sealedHome()
  })
  afterEach(() => home.remove())
  const list = (...args: string[]) => cgpu(['runtime', 'list', ...args], {home})

  it('become a warning when they throw', async () => {
    await linkPlugin(home, [{name: 'cgpu-bad', hooks: {'provider:register': 'throw new TypeError("boom \\u001b[2J")'}}])
    const {status, stderr} = await list()
    assert.equal(status, 0)
    assert.match(stderr, /^warning: plugin cgpu-bad failed in provider:register: boom \\x1b\[2J$/m)
    assert.deepEqual(envelope(await list('--json')).warnings, ['plugin cgpu-bad failed in provider:register: boom \\x1b[2J'])
    assert.doesNotMatch((await list('--quiet')).stderr, /warning/)
  })

  it('become a warning when their file cannot be loaded', async () => {
    await linkPlugin(home, [{name: 'cgpu-bad', hooks: {'provider:register': 'await import("no-such-package")'}}])
    const {status, stderr} = await list()
    assert.equal(status, 0)
    assert.match(stderr, /warning: plugin cgpu-bad failed in provider:register/)
  })

  for (const [how, body] of [['for ever', 'await new Promise(() => {})'], ['and holds a timer', 'await new Promise((resolve) => setTimeout(resolve, 60_000))']]) {
    it(`are given up after 2 s when one hangs ${how}`, async () => {
      await linkPlugin(home, [{name: 'cgpu-slow', hooks: {'provider:register': body ?? ''}}])
      const started = performance.now()
      const result = await list('--json')
      assert.equal(result.status, 0)
      assert.match(envelope(result).warnings[0] ?? '', /plugin cgpu-slow failed in provider:register: Timed out after 2000 ms/)
      assert.ok(performance.now() - started < 25_000)
    })
  }

  for (const [how, body, warning] of [
    ['calls process.exit', 'process.exit(3)', /^warning: plugin cgpu-rude failed in provider:register: process\.exit\(3\) was called$/m],
    ['sets the exit status', 'process.exitCode = 9', undefined],
    ['floods stdout', 'for (let n = 0; n < 20_000; n++) console.log("x".repeat(100))', /^warning: plugin cgpu-rude wrote to stdout in provider:register, which is the command's: it is not shown$/m],
    ['floods stderr', 'for (let n = 0; n < 20_000; n++) console.error("x".repeat(100))', /^warning: plugin cgpu-rude wrote more than 4096 bytes to stderr/m],
    ['throws from a timer that it left', 'setTimeout(() => { throw new Error("late") }, 1); await new Promise((resolve) => setTimeout(resolve, 50))', /^warning: plugin cgpu-rude failed later, after provider:register: late$/m],
    ['leaves a promise that is rejected', 'void Promise.reject(new Error("late")); await new Promise((resolve) => setTimeout(resolve, 50))', /^warning: plugin cgpu-rude failed later, after provider:register: late$/m],
    ['ends the process from a timer', 'setTimeout(() => process.exit(3), 1); await new Promise((resolve) => setTimeout(resolve, 50))', /^warning: plugin cgpu-rude failed later, after provider:register: process\.exit\(3\) was called$/m],
  ] as const) {
    it(`change nothing when one ${how}`, async () => {
      await linkPlugin(home, [{name: 'cgpu-rude', hooks: {'provider:register': body}}])
      const [text, json] = await Promise.all([list(), list('--json')])
      assert.deepEqual([text.status, text.stdout, json.status], [0, '', 0], text.stderr)
      assert.ok(text.stderr.length < 6000, 'it was flooded')
      if (warning) assert.match(text.stderr, warning)
      assert.equal(envelope(json).warnings.length, warning ? 1 : 0)
    })
  }

  it('stop a command only by a veto, before anything was made', async () => {
    await linkPlugin(home, [
      {name: 'cgpu-police', hooks: {'runtime:before-create': 'return {veto: "no runtimes on Sundays"}'}},
      {name: 'cgpu-bad', hooks: {'runtime:before-create': 'throw new Error("no")'}},
    ])
    const {status, stderr} = await cgpu(['runtime', 'create'], {home})
    assert.equal(status, 75)
    assert.match(stderr, /^error: cgpu-police vetoed this runtime: no runtimes on Sundays$/m)
    assert.match(stderr, /^fix: .*cgpu plugins uninstall cgpu-police$/m)
    assert.equal(existsSync(join(home.dataDir, 'state', 'runtimes')), false)
  })

  it('of another contract lose their hooks and keep their commands', async () => {
    const hello = 'export default class Hello { static id = "hello"; static async run() { console.log("hello") } }'
    await linkPlugin(home, [
      {name: 'cgpu-future', contract: 2, hooks: {'provider:register': 'throw new Error("must not run")'}, commands: {hello}},
      {name: 'cgpu-odd', contract: {a: 1}, hooks: {'provider:register': 'throw new Error("must not run")'}},
    ])
    const json = envelope(await list('--json'))
    assert.deepEqual(json.warnings.toSorted(), [
      'cgpu-future speaks plugin contract 2; this cgpu supports 1. its hooks are disabled. run: cgpu plugins update',
      'cgpu-odd speaks plugin contract {"a":1}; this cgpu supports 1. its hooks are disabled. run: cgpu plugins update',
    ])
    assert.equal((await cgpu(['hello'], {home})).stdout, 'hello\n')
  })

  it('that bring the same provider are both named', async () => {
    const body = 'return {id: "mine", factory: () => ({})}'
    await linkPlugin(home, [{name: 'cgpu-a', hooks: {'provider:register': body}}, {name: 'cgpu-b', hooks: {'provider:register': body}}])
    const {status, stderr} = await list()
    assert.equal(status, 72)
    assert.match(stderr, /^error: cgpu-a and cgpu-b both bring a provider "mine"$/m)
  })
})

describe('plugins', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
  })
  after(() => home.remove())

  it('use the host\'s SDK without having one, and the host\'s errors and envelope', async () => {
    const greet = `
      import {string} from '@oclif/core/args'
      import {CgpuCommand, CgpuError, errors, withEnv} from '@cgpu/plugin-sdk'
      export default class Greet extends CgpuCommand {
        static args = {how: string()}
        async run() {
          const {args} = await this.parse(Greet)
          if (args.how === 'wrongly') throw errors.notFound('nobody is here', {code: 'NOBODY', fix: 'come back'})
          if (args.how === 'badly') throw new TypeError('undefined is not a person')
          this.log('hello')
          this.warn('mind the gap')
          return {said: 'hello'}
        }
      }`
    await linkPlugin(home, [{name: 'cgpu-greeter', commands: {greet}}])
    const plain = await cgpu(['greet'], {home})
    assert.deepEqual([plain.status, plain.stdout, plain.stderr], [0, 'hello\n', 'warning: mind the gap\n'])
    assert.deepEqual(envelope(await cgpu(['greet', '--json'], {home})), {schema: 1, ok: true, command: 'greet', data: {said: 'hello'}, warnings: ['mind the gap']})

    const wrong = await cgpu(['greet', 'wrongly'], {home})
    assert.deepEqual([wrong.status, wrong.stderr], [66, 'error: nobody is here\nfix: come back\n'])
  })

  it('and bugs end with 70, and with a stack only when asked', async () => {
    const bug = await cgpu(['greet', 'badly'], {home})
    assert.equal(bug.status, 70)
    assert.match(bug.stderr, /^error: a bug in cgpu: undefined is not a person\nfix: .*--verbose.*\n$/)
    const verbose = await cgpu(['greet', 'badly', '--verbose'], {home})
    assert.match(verbose.stderr, /^ {4}at .*greet\.js/m)
    const json = envelope(await cgpu(['greet', 'badly', '--json'], {home}))
    assert.deepEqual([json.error.code, json.error.category, json.error.retryable], ['INTERNAL', 'internal', false])
    assert.equal(JSON.stringify(json).includes('greet.js'), false)
  })

  it('show up in the list and in completion', async () => {
    assert.match((await cgpu(['version', '--verbose'], {home})).stdout, /^plugin +cgpu-greeter 1\.0\.0 \(link\)$/m)
  })

  it('whose manifest is broken are named with what to do, and skipped', async () => {
    await linkPlugin(home, [{name: 'cgpu-broken'}])
    await writeFile(join(home.path, 'plugins', 'cgpu-broken', 'oclif.manifest.json'), '{"version": "1.0.0", "commands": {"x": {}}}')
    const broken = await cgpu(['runtime', 'list', '--json'], {home})
    assert.equal(broken.status, 0)
    assert.match(envelope(broken).warnings.join(), /^the plugin cgpu-broken cannot be loaded and is skipped: .*cgpu plugins uninstall cgpu-broken$/)
    assert.equal((await cgpu(['plugins', 'uninstall', 'cgpu-broken'], {home})).status, 0)
    assert.deepEqual(envelope(await cgpu(['runtime', 'list', '--json'], {home})).warnings, [])
    for (const args of [['config', 'list'], ['doctor'], ['completion', 'bash'], ['__complete', 'bash', '']]) assert.equal((await cgpu(args, {home})).status, 0, args.join(' '))
  })
})

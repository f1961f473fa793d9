import assert from 'node:assert/strict'
import {cgpu, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'

/** Plugins run in cgpu's own process: what only a process of their own could bound is open (docs/reliability.md, row 44). */
describe('a hook of a plugin that misbehaves', function () {
  this.timeout(20_000)
  let home: SealedHome
  beforeEach(async () => {
    home = await sealedHome()
  })
  afterEach(() => home.remove())

  const good = 'return [{id: "good", title: "good", load: async () => () => ({})}]'
  for (const [how, body, said] of [
    ['waits for ever', 'await new Promise(() => {})', /Timed out after 2000 ms/],
    ['floods its answer', 'return "x".repeat(50_000_000)', undefined],
    ['floods stderr', 'process.stderr.write("x".repeat(1_000_000))', undefined],
    ['throws what is no error', 'throw undefined', /failed in provider:register/],
    ['answers nonsense', 'return {then: 1, length: -1, __proto__: null}', undefined],
    ['throws later, on its own', 'setTimeout(() => { throw new Error("late") }, 1); await new Promise((resolve) => setTimeout(resolve, 50))', undefined],
  ] as const) {
    it(`row 44: ${how}: the command ends, in time and in order`, async () => {
      await linkPlugin(home, [{name: 'cgpu-evil', hooks: {'provider:register': body}}, {name: 'cgpu-good', hooks: {'provider:register': good}}])
      const began = performance.now()
      const {status, stdout, stderr} = await cgpu(['runtime', 'list'], {home})
      assert.ok(performance.now() - began < 15_000)
      assert.ok(status === 0 || status === 70, `${status}\n${stderr.slice(-2000)}`)
      assert.doesNotMatch(stderr, /^\s+at /m)
      if (said) assert.match(stderr, new RegExp(`warning: plugin cgpu-evil .*${said.source}`))
      assert.ok(stdout.length < 10_000)
    })
  }
})

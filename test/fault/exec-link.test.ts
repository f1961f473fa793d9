import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {Execution} from '@cgpu/core/execution/exec'
import {assertCounted, type SessionBed, startSessionBed, Told, until} from '../helpers/session-bed.ts'

/** Prints 0..n-1, waiting before the sixth line for the file `go`; `${go}-end` appears when it is done. */
function counting(n: number, go: string): string {
  return [
    'import os, time',
    `for i in range(${n}):`,
    `    while i == 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`,
    '    print(i)',
    `open(${JSON.stringify(`${go}-end`)}, 'w').close()`,
  ].join('\n')
}

describe('exec over a bad link', function () {
  this.timeout(60_000)
  let bed: SessionBed
  let files = 0
  const goFile = (): string => join(bed.home.path, `go-${files++}`)

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  for (const [row, how] of [['row 1: RST', 'rstAll'], ['row 2: FIN', 'finAll'], ['row 3: half-open', 'freezeExisting']] as const) {
    it(`${row} during execute, the code goes on`, async () => {
      const {session, links, link} = await bed.session()
      const [told, go] = [new Told(), goFile()]
      const execution = new Execution(session, {code: counting(200, go), onEvent: told.onEvent})
      await told.shows(/^4$/m)
      const lost = link('reconnecting')
      bed.chaos.refuse()
      bed.chaos[how]()
      await lost
      bed.chaos.refuse(false)
      await writeFile(go, '')
      const outcome = await execution.result
      assert.deepEqual([outcome.status, outcome.exitStatus, outcome.stdoutBytes], ['ok', 0, told.bytes().length])
      assertCounted(told.numbers, 200)
      assert.deepEqual(links.slice(0, 2), ['reconnecting', 'connected'])
      assert.deepEqual(told.notices(), [])
    })
  }

  for (const [ending, code, status] of [['well', '', 0], ['with an error', '\nraise ValueError("no")', 1], ['by sys.exit(7)', '\nimport sys; sys.exit(7)', 7]] as const) {
    it(`row 4: half-open while the code ends ${ending}`, async () => {
      const {session, link} = await bed.session()
      const [told, go] = [new Told(), goFile()]
      const execution = new Execution(session, {code: counting(50, go) + code, onEvent: told.onEvent})
      await told.shows(/^4$/m)
      const {kernel} = await session.kernel()
      bed.chaos.refuse()
      const lost = link('reconnecting')
      bed.chaos.freezeExisting()
      await writeFile(go, '')
      await until(async () => existsSync(`${go}-end`) && (await bed.direct.getKernel(kernel.id))?.execution_state === 'idle')
      await lost
      bed.chaos.refuse(false)
      const outcome = await execution.result
      assert.equal(outcome.exitStatus, status)
      if (ending === 'with an error') assert.equal(outcome.error?.value, 'no')
      assertCounted(told.numbers, 50)
    })
  }

  it('row 4: the request never arrived: it is sent again, once', async () => {
    const {session} = await bed.session()
    await new Execution(session, {code: 'n = 0', onEvent: () => {}}).result
    bed.chaos.freezeExisting()
    const told = new Told()
    const outcome = await new Execution(session, {code: 'n += 1\nprint(n)', onEvent: told.onEvent}).result
    assert.deepEqual([outcome.status, told.text], ['ok', '1\n'])
  })

  it('row 6: a second client keeps the server from replaying', async () => {
    const {session, link} = await bed.session()
    const {kernel} = await session.kernel()
    const other = await bed.direct.openKernel(kernel.id)
    try {
      const [told, go] = [new Told(), goFile()]
      const execution = new Execution(session, {code: counting(200, go), onEvent: told.onEvent})
      await told.shows(/^4$/m)
      bed.chaos.refuse()
      const lost = link('reconnecting')
      bed.chaos.rstAll()
      await lost
      await writeFile(go, '')
      await until(async () => existsSync(`${go}-end`) && (await bed.direct.getKernel(kernel.id))?.execution_state === 'idle')
      bed.chaos.refuse(false)
      assert.equal((await execution.result).exitStatus, 0)
      assertCounted(told.numbers, 200)
    } finally {
      await other.close()
    }
  })

  it('row 14: input() asked while the link is down is asked after it, and answered', async () => {
    const {session, link} = await bed.session()
    const [told, go] = [new Told(), goFile()]
    const asked: string[] = []
    const execution = new Execution(session, {
      code: `${counting(10, go)}\nprint("hello", input("name? "))`,
      onEvent: told.onEvent,
      onInput: async (prompt) => {
        asked.push(prompt)
        return 'ada'
      },
    })
    await told.shows(/^4$/m)
    bed.chaos.refuse()
    const lost = link('reconnecting')
    bed.chaos.rstAll()
    await lost
    await writeFile(go, '')
    await until(() => existsSync(`${go}-end`))
    bed.chaos.refuse(false)
    assert.equal((await execution.result).exitStatus, 0)
    assert.match(told.text, /^hello ada$/m)
    assert.deepEqual(asked, ['name? '])
  })

  it('row 15: an interrupt asked for while the link is down is sent when it is back', async () => {
    const {session, link} = await bed.session()
    const told = new Told()
    const execution = new Execution(session, {code: 'import time\nprint("on")\ntime.sleep(600)', onEvent: told.onEvent})
    await told.shows(/on/)
    bed.chaos.refuse()
    const lost = link('reconnecting')
    bed.chaos.rstAll()
    await lost
    const interrupting = execution.interrupt()
    bed.chaos.refuse(false)
    await interrupting
    const outcome = await execution.result
    assert.deepEqual([outcome.status, outcome.exitStatus, outcome.error?.name], ['interrupted', 130, 'KeyboardInterrupt'])
  })

  it('an RST in the middle of a flood of 50,000 lines loses and doubles none', async () => {
    const {session, link} = await bed.session()
    const told = new Told()
    const execution = new Execution(session, {code: 'for i in range(50000): print(i, flush=i % 10 == 0)', onEvent: told.onEvent})
    await told.shows(/^2000$/m)
    const back = link('connected')
    bed.chaos.rstAll()
    await back
    assert.equal((await execution.result).exitStatus, 0)
    assertCounted(told.numbers, 50_000)
  })
})

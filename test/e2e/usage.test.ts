import assert from 'node:assert/strict'
import type {UsageJson} from '@cgpu/core/schema/types'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {assertRefused} from '../helpers/workbench.ts'

describe('cgpu usage', () => {
  let bench: ColabBench
  before(async () => {
    bench = await colabBench({accounts: [
      {email: 'me@example.com', tier: 'pro+', balance: 12.345},
      {email: 'free@example.com', tier: 'free', freeQuota: {units: 20, remaining: 7.5}},
    ]})
  })
  after(() => bench.remove())

  it('tells what an account has', async () => {
    const usage = await bench.data<UsageJson>(['usage'])
    assert.deepEqual(usage, {provider: 'colab', account: 'google:me@example.com', tier: 'pro+', balance: 12.345, hourlyRate: 0, runtimes: 0})
    const shown = await bench.cli(['usage'])
    assert.match(shown.stdout, /^provider +colab\naccount +me@example.com\ntier +pro\+\nbalance +12\.3\d compute units\nruntimes +0\nrate +0 compute units an hour\n$/)
  })

  it('tells what is left for free', async () => {
    const usage = await bench.data<UsageJson>(['usage'], {env: bench.as('free@example.com')})
    assert.deepEqual([usage.account, usage.tier, usage.free?.remaining], ['google:free@example.com', 'free', 7.5])
    assert.match((await bench.cli(['usage'], {env: bench.as('free@example.com')})).stdout, /free quota +7\.5 compute units, more in \d+ [hd]\n/)
  })

  it('needs no provider in the settings', async () => {
    assert.equal((await bench.data<UsageJson>(['usage'], {env: {CGPU_PROVIDER: ''}})).provider, 'colab')
  })

  it('says who has none, and that somebody has to sign in', async () => {
    const local = await bench.cli(['usage', '--provider', 'local'])
    assertRefused(local, 64)
    assert.match(local.stderr, /local counts no compute units/)
    const nobody = await bench.cli(['usage'], {env: {CGPU_TOKEN: ''}})
    assertRefused(nobody, 67)
    assert.match(nobody.stderr, /fix: cgpu auth login/)
  })
})

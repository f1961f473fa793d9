// The examples that need machines of Colab, in the order in which they make sense.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {browserScript} from '../helpers/browser.ts'
import {cgpuBin, sealedHome} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {examples, isColabExample} from '../helpers/examples.ts'

/** What must be there before an example makes sense; `FOREIGN` makes a machine that this home knows nothing of. */
const needs: Record<string, string> = {
  'cgpu drive mount': 'cgpu runtime use trainer',
  'cgpu drive mount /content/gdrive -r trainer --open': 'cgpu drive unmount -r trainer',
  'cgpu runtime adopt calm-otter': 'FOREIGN; cgpu runtime adopt $FOREIGN --name calm-otter',
  'cgpu runtime adopt gpu-t4-s-1a2b3c --name trainer': 'cgpu runtime release trainer; FOREIGN',
}

describe('examples that need Colab', () => {
  let bench: ColabBench
  let foreign = ''

  const shell = async (line: string): Promise<void> => {
    for (const part of line.split('; ')) {
      if (part === 'FOREIGN') await openElsewhere()
      else {
        // the emulator is in this process: it must go on while the shell runs
        await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', part.replace(/\$FOREIGN|gpu-t4-s-1a2b3c/, foreign)], {env: bench.home.env, cwd: bench.home.cwd, timeout: 60_000})
      }
    }
  }
  /** As good as a browser: another home, which forgets the machine. */
  const openElsewhere = async (): Promise<void> => {
    const before = bench.machines()
    const elsewhere = await sealedHome()
    try {
      const made = await bench.cli(['runtime', 'create'], {home: {...elsewhere, env: {...bench.home.env, ...elsewhere.env}}})
      assert.equal(made.status, 0, made.stderr)
    } finally {
      await elsewhere.remove()
    }
    foreign = bench.machines().find((one) => !before.includes(one)) ?? ''
  }

  /** A job whose machine was taken away, for the example to go on with. */
  const lostJob = async (): Promise<string> => {
    const before = bench.machines()
    const made = await bench.cli(['runtime', 'create', '--name', 'gone'])
    assert.equal(made.status, 0, made.stderr)
    const {id} = await bench.data<{id: string}>(['run', '-d', '-r', 'gone', '--max-restarts', '2', '--', 'sleep', '60'])
    for (const endpoint of bench.machines()) if (!before.includes(endpoint)) assert.ok(await bench.emulator.world.reclaim(endpoint))
    return id
  }

  before(async () => {
    bench = await colabBench({accounts: [{email: 'me@example.com', tier: 'pro+', balance: 100, eligible: {GPU: ['T4', 'L4', 'A100']}, consent: {drive: true}}]})
    const bin = join(bench.home.path, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`, {mode: 0o755})
    const {env} = await browserScript(bench.home.path)
    Object.assign(bench.home.env, env, {PATH: `${bin}:${bench.home.env['PATH']}`, HF_TOKEN: 'a secret'})
    await bench.file('train.py', 'from google.colab import userdata\nuserdata.get("HF_TOKEN")\n')
    const made = await bench.cli(['runtime', 'create', '--name', 'trainer'])
    assert.equal(made.status, 0, made.stderr)
  })
  after(() => bench?.remove())

  const all = examples().filter(isColabExample)
  const adopting = all.filter((line) => line.includes(' adopt '))
  for (const line of [...all.filter((one) => !adopting.includes(one)), ...adopting]) {
    it(line, async function () {
      this.timeout(90_000)
      if (needs[line] !== undefined) await shell(needs[line])
      if (!line.includes('0mibvu')) return shell(line)
      const id = await lostJob()
      await shell(`${line.replace(/0mibvu\S*/, id)}; cgpu job cancel ${id}`)
    })
  }
})

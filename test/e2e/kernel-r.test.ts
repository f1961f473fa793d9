import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {jupyterThere, type Workbench, workbench} from '../helpers/workbench.ts'

/** Of Debian's r-cran-irkernel: see scripts/test-system.mjs. */
const here = process.platform === 'linux'

if (here) {
  describe('a kernel that is not Python (R)', function () {
    this.timeout(60_000)
    let bench: Workbench
    const exec = (code: string) => bench.cli(['exec', '--kernel', 'ir', code])

    before(async () => {
      bench = await workbench()
      await jupyterThere(bench)
      assert.equal((await exec('x <- 41')).status, 0)
    })
    after(() => bench.remove())

    it('runs what exec sends it, with its own streams, values and errors', async () => {
      const {status, stdout, stderr} = await exec('cat("out\\n"); message("err"); x + 1')
      assert.deepEqual([status, stdout, stderr], [0, 'out\n[1] 42\n', 'err\n\n'])
      const bad = await exec('stop("no good")')
      assert.equal(bad.status, 1)
      assert.match(bad.stderr, /no good/)
    })

    it('shows tables as text, and saves plots', async () => {
      const {status, stdout, stderr} = await exec('plot(1:3); head(mtcars, 1)')
      assert.equal(status, 0, stderr)
      assert.match(stdout, /Mazda RX4\s+21/)
      const saved = /saved (\S+\.png)/.exec(stderr)?.[1] ?? ''
      assert.ok(existsSync(join(bench.home.cwd, saved)), stderr)
    })

    it('talks line by line, and knows what is whole, and what a name means', async () => {
      const {status, stdout} = await bench.cli(['repl', '--kernel', 'ir'], {input: 'f <- function(a) {\n  a + 1\n}\nf(x)\nmean?\nstop("enough")\n"never"\n'})
      assert.equal(status, 1)
      assert.match(stdout, /^\[1\] 42\n/)
      assert.match(stdout, /Arithmetic Mean/)
      assert.doesNotMatch(stdout, /never/)
    })

    it('works beside Python on the same runtime', async () => {
      assert.equal((await bench.cli(['exec', 'x = "python"'])).status, 0)
      assert.equal((await exec('x')).stdout, '[1] 41\n')
      const names = (await bench.data<{name: string; language: string}[]>(['kernel', 'list'])).map(({name, language}) => `${name} ${language}`)
      assert.deepEqual(names.toSorted(), ['default python', 'ir r'])
    })
  })
}

// mocha's spec reporter, which also leaves its counts, and what failed, where scripts/test.mjs adds them up.
import {appendFileSync} from 'node:fs'
import mocha from 'mocha'

export default class CountingReporter extends mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once('end', () => {
      setTimeout(() => {
        console.error(`a test left something running: ${process.getActiveResourcesInfo().join(', ')}`)
        process.exit(1)
      }, 20_000).unref()
      const {passes, failures, pending} = this.stats
      const failed = this.failures.map((test) => `${test.fullTitle()} (${test.file ?? 'no file'})\n${why(test.err)}`)
      if (process.env.CGPU_TEST_COUNTS) appendFileSync(process.env.CGPU_TEST_COUNTS, `${JSON.stringify({passes, failures, pending, failed})}\n`)
    })
  }
}

/** Its stack, and those of what caused it: a property that failed says there what it met. */
function why(error) {
  if (!error) return ''
  const own = error.stack ?? error.message ?? String(error)
  return error.cause ? `${own}\nCaused by: ${why(error.cause)}` : own
}

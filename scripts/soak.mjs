// `npm run soak`: executions under faults; see test/soak/README.md. Ends with 1 when fewer than 99.9 % come out right, or something is left.
//   npm run soak -- --count 1000 --seed 7        so many, by this seed
//   npm run soak -- --minutes 30 --count 100000  until the time is over
//   npm run soak -- --json                       the summary as JSON
import {spawnSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {ensureTestPython} from './test-python.mjs'

const main = fileURLToPath(new URL('../test/soak/main.ts', import.meta.url))
const done = spawnSync(process.execPath, ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit', env: {...process.env, CGPU_TEST_PYTHON: await ensureTestPython()},
})
process.exit(done.status ?? 1)

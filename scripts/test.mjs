// Runs everything: lint, types, checks of what is generated, the Python agent's tests, and every mocha test.
// The last line is `N passed, N failed, N skipped`. `npm test -- packages/core` runs the tests below that folder only.
import {spawnSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {ensureTestPython} from './test-python.mjs'
import {ensureTestSystem} from './test-system.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const only = process.argv.slice(2)
const total = {passes: 0, failures: 0, pending: 0}

let python
let system = {}
try {
  // a package's own tests need nothing of the system
  if (only.length === 0 || only.some((path) => !path.startsWith('packages'))) system = ensureTestSystem()
  python = ensureTestPython()
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exit(1)
}
const scratch = mkdtempSync(join(tmpdir(), 'cgpu-counts-'))
const counts = join(scratch, 'counts')
writeFileSync(counts, '')
const env = {...process.env, ...system, CGPU_TEST_PYTHON: python, CGPU_TEST_COUNTS: counts, PYTHONDONTWRITEBYTECODE: '1'}

function check(title, command, args) {
  console.log(`\n== ${title}`)
  const done = spawnSync(command, args, {cwd: root, stdio: 'inherit', env})
  total[done.status === 0 ? 'passes' : 'failures']++
}

function unittest(folder) {
  console.log(`\n== ${folder}`)
  const done = spawnSync(python, ['-m', 'unittest', 'discover', '-s', folder], {cwd: root, encoding: 'utf8', env})
  process.stdout.write(done.stdout)
  process.stderr.write(done.stderr)
  const ran = Number(/^Ran (\d+) tests?/m.exec(done.stderr)?.[1] ?? 0)
  const number = (word) => Number(new RegExp(`${word}=(\\d+)`).exec(done.stderr)?.[1] ?? 0)
  const failed = number('failures') + number('errors') + (ran === 0 || (done.status !== 0 && number('failures') + number('errors') === 0) ? 1 : 0)
  total.failures += failed
  total.pending += number('skipped')
  total.passes += Math.max(0, ran - failed - number('skipped'))
}

function mocha(title, specs) {
  console.log(`\n== ${title}`)
  const before = readFileSync(counts, 'utf8')
  const done = spawnSync(
    process.execPath,
    [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', join(root, 'scripts/reporter.mjs'), ...specs],
    {cwd: root, stdio: 'inherit', env},
  )
  const lines = readFileSync(counts, 'utf8').slice(before.length).split('\n').filter(Boolean)
  for (const line of lines) {
    const one = JSON.parse(line)
    for (const key of Object.keys(total)) total[key] += one[key]
  }
  if (lines.length === 0 || (done.status !== 0 && lines.every((line) => JSON.parse(line).failures === 0))) total.failures++
}

try {
  if (only.length === 0) {
    check('lint', process.execPath, ['scripts/lint.mjs'])
    check('generated files are current', process.execPath, ['scripts/generated.mjs', '--check'])
    unittest('packages/runtime-agent/tests')
    mocha('unit tests', ['packages/*/src/**/*.test.ts', 'plugins/*/src/**/*.test.ts', 'scripts/**/*.test.ts'])
    for (const kind of ['contract', 'e2e', 'pty', 'fault', 'docs']) mocha(`${kind} tests`, [`test/${kind}/**/*.test.ts`])
  } else {
    mocha('tests', only.map((path) => (path.endsWith('.ts') ? path : `${path.replace(/\/$/, '')}/**/*.test.ts`)))
  }
} finally {
  rmSync(scratch, {recursive: true, force: true})
}
console.log(`\n${total.passes} passed, ${total.failures} failed, ${total.pending} skipped`)
process.exit(total.failures === 0 && total.passes > 0 ? 0 : 1)

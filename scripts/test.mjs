// Runs everything: lint, types, checks of what is generated, the Python agent's tests, and every mocha test, as many suites at a
// time as there are cores, but two at most (CGPU_TEST_JOBS=1: one after the other): with any three on two cores they took all of
// the processors' time, and tests failed that waited for something. Beside them goes one of those that mostly wait themselves.
// Each suite's output is printed when it is over.
// What failed is told once more at the end, where a log that keeps only its tail still has it.
// The last line is `N passed, N failed, N skipped`. `npm test -- packages/core` runs the tests below that folder only.
import {spawn} from 'node:child_process'
import {globSync, mkdtempSync, readFileSync, realpathSync, rmSync} from 'node:fs'
import {availableParallelism, tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {ensureTestPython} from './test-python.mjs'
import {ensureTestSystem} from './test-system.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const only = process.argv.slice(2)
const total = {passes: 0, failures: 0, pending: 0}
const failed = []
const jobs = Number(process.env.CGPU_TEST_JOBS) || Math.min(2, availableParallelism())

let python
let system = {}
try {
  // a package's own tests need nothing of the system
  if (only.length === 0 || only.some((path) => !path.startsWith('packages'))) system = ensureTestSystem()
  python = await ensureTestPython()
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exit(1)
}
const scratch = mkdtempSync(join(tmpdir(), 'cgpu-counts-'))
const env = {
  ...process.env, ...system, CGPU_TEST_PYTHON: python, PYTHONDONTWRITEBYTECODE: '1',
  // of the sources without types, too: a suite starts in half of the time
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/cgpu-test-compiled'),
}
const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal)
    rmSync(scratch, {recursive: true, force: true})
    process.exit(1)
  })
}

/** Its status and what it printed; with one job that is shown as it comes. */
function run(title, command, args, more = {}) {
  const live = jobs === 1 || only.length > 0
  if (live) console.log(`\n== ${title}`)
  const started = performance.now()
  return new Promise((resolve) => {
    const child = spawn(command, args, {cwd: root, env: {...env, ...more}, stdio: ['ignore', 'pipe', 'pipe']})
    running.add(child)
    const chunks = []
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.on('data', (chunk) => {
        chunks.push(chunk)
        if (live) to.write(chunk)
      })
    }
    child.once('close', (status) => {
      running.delete(child)
      const text = Buffer.concat(chunks).toString('utf8')
      if (!live) process.stdout.write(`\n== ${title} (${Math.round((performance.now() - started) / 1000)} s)\n${text}`)
      resolve({status, text})
    })
  })
}

const check = (title, args) => async () => {
  const {status, text} = await run(title, process.execPath, args)
  total[status === 0 ? 'passes' : 'failures']++
  if (status !== 0) failed.push(`${title}\n${text.slice(-4000)}`)
}

const unittest = (folder) => async () => {
  const {status, text} = await run(folder, python, ['-m', 'unittest', 'discover', '-s', folder])
  const ran = Number(/^Ran (\d+) tests?/m.exec(text)?.[1] ?? 0)
  const number = (word) => Number(new RegExp(`${word}=(\\d+)`).exec(text)?.[1] ?? 0)
  const failures = number('failures') + number('errors') + (ran === 0 || (status !== 0 && number('failures') + number('errors') === 0) ? 1 : 0)
  total.failures += failures
  total.pending += number('skipped')
  total.passes += Math.max(0, ran - failures - number('skipped'))
  if (failures > 0) failed.push(`${folder}\n${text.slice(-8000)}`)
}

// mocha's own start reads these from the same file and starts a second process with them, which costs a third of a suite's start
const nodeOptions = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8'))['node-option'].map((option) => `--${option}`)
// it runs only under its real path
const mochaCli = realpathSync(join(root, 'node_modules/mocha/lib/cli/cli.js'))

let suites = 0
const mocha = (title, specs) => async () => {
  const counts = join(scratch, String(suites++))
  const args = [...nodeOptions, mochaCli, '--reporter', join(root, 'scripts/reporter.mjs'), ...specs]
  const {status, text} = await run(title, process.execPath, args, {CGPU_TEST_COUNTS: counts})
  let counted = {passes: 0, failures: 0, pending: 0, failed: /** @type {string[]} */ ([])}
  try {
    counted = JSON.parse(readFileSync(counts, 'utf8'))
  } catch {
    // it ended before its tests did, which its status tells
  }
  for (const key of Object.keys(total)) total[key] += counted[key]
  failed.push(...counted.failed.map((test) => `${title}: ${test}`))
  // a file for Linux alone has none elsewhere
  const none = counted.passes === 0 && process.platform === 'linux'
  if (none || (status !== 0 && counted.failures === 0)) {
    total.failures++
    failed.push(`${title}: ended with ${status}\n${text.slice(-2000)}`)
  }
}

const filesOf = (...patterns) => globSync(patterns, {cwd: root}).sort()

/** They use less than 0.6 s of the processors in a second, with all that they start, as a cgroup's cpuacct.usage tells. */
const waiters = [
  'e2e/{colab-runtime,daemon-jobs,emulator-faults,job-follow,jobs-colab,jobs-release}',
  'fault/{colab-control-emulated,colab-run,colab-runtime,daemon,exec-kernel,job-link,kernel-link,offline,transfer}',
  'contract/{local-reaper,notebook-conformance}',
].flatMap((names) => filesOf(`test/${names}.test.ts`))

/** A suite of its own for each file: the next one that waits is taken by whoever is done. */
const each = (pattern) => filesOf(pattern).filter((file) => !waiters.includes(file)).map((file) => mocha(file, [file]))

/** Small files in so many suites, each with every n-th file, so that slow neighbours are spread. */
function together(title, files, parts) {
  const groups = Array.from({length: parts}, (_, part) => files.filter((_, index) => index % parts === part))
  return groups.map((group, part) => mocha(`${title}, part ${part + 1} of ${parts}`, group))
}

// what takes long comes first, so that nobody waits for it in the end
const everything = () => [
  ...each('test/fault/**/*.test.ts'),
  ...each('test/e2e/**/*.test.ts'),
  ...each('test/{docs,contract,pty}/**/*.test.ts'),
  unittest('packages/runtime-agent/tests'),
  ...together('unit tests', filesOf('packages/*/src/**/*.test.ts', 'plugins/*/src/**/*.test.ts', 'scripts/**/*.test.ts'), 8),
  check('lint', ['scripts/lint.mjs']),
  check('generated files are current', ['scripts/generated.mjs', '--check']),
]

const waiting = only.length === 0
  ? everything()
  : [mocha('tests', only.map((path) => (path.endsWith('.ts') ? path : `${path.replace(/\/$/, '')}/**/*.test.ts`)))]
const idle = only.length === 0 ? waiters.map((file) => mocha(file, [file])) : []
const lane = async (...queues) => {
  const take = () => queues.find((queue) => queue.length > 0)?.shift()
  for (let next = take(); next; next = take()) await next()
}
try {
  await Promise.all([...Array.from({length: jobs}, () => lane(waiting, idle)), ...(jobs > 1 ? [lane(idle)] : [])])
} finally {
  rmSync(scratch, {recursive: true, force: true})
}
for (const [index, what] of failed.entries()) console.log(`\n== failure ${index + 1} of ${failed.length}\n${what}`)
console.log(`\n${total.passes} passed, ${total.failures} failed, ${total.pending} skipped`)
process.exit(total.failures === 0 && total.passes > 0 ? 0 : 1)

import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {cpus, platform, release, tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'
import {interleave, median, timed} from './measure.mjs'
import {RawKernel} from './raw.mjs'
import {startJupyter} from '../test/helpers/jupyter-server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const node = process.execPath
const bin = join(root, 'bin', 'run.js')
const {values, positionals} = parseArgs({options: {rounds: {type: 'string', default: '20'}}, allowPositionals: true})
const rounds = Number(values.rounds)
const wanted = (part) => positionals.length === 0 || positionals.includes(part)

const home = mkdtempSync(join(tmpdir(), 'cgpu-bench-'))
const env = {
  PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', NO_COLOR: '1',
  CGPU_CONFIG_DIR: join(home, 'config'), CGPU_DATA_DIR: join(home, 'data'), CGPU_CACHE_DIR: join(home, 'cache'),
  CGPU_PYTHON: process.env.CGPU_TEST_PYTHON, NODE_COMPILE_CACHE: join(home, 'compile-cache'),
  // its own figures switch it on
  CGPU_DAEMON: 'off',
}
const cgpu = (args, more = {}) => timed(node, [bin, ...args], {env, cwd: home, ...more})
const json = (args, input) => {
  const done = spawnSync(node, [bin, ...args, '--json'], {env, cwd: home, encoding: 'utf8', input})
  if (done.status !== 0) throw new Error(`cgpu ${args.join(' ')}: ${done.stdout}${done.stderr}`)
  return JSON.parse(done.stdout).data
}

/** rows of {what, floor, cgpu, unit, limit, met} */
const rows = []
const add = (row) => {
  rows.push(row)
  console.log(`${row.what.padEnd(58)} ${row.measured.padEnd(34)} ${row.goal.padEnd(22)} ${row.met ? 'met' : 'MISSED'}`)
}
const ms = (value) => `${value.toFixed(0)} ms`

async function startup() {
  const samples = await interleave(rounds, {
    node: async () => (await timed(node, ['-e', '0'], {env})).ms,
    version: async () => (await cgpu(['--version'])).ms,
    list: async () => (await cgpu(['runtime', 'list'])).ms,
  })
  const floor = median(samples.node)
  for (const [name, label, limit] of [['version', 'cgpu --version', 1.3], ['list', 'cgpu runtime list (one local runtime)', 3.5]]) {
    const value = median(samples[name])
    add({what: label, measured: `${ms(value)}, ${(value / floor).toFixed(2)}x of node -e 0 (${ms(floor)})`, goal: `<= ${limit}x`, met: value / floor <= limit})
  }
}

async function exec(server) {
  const rawEnv = {...env, RAW_URL: server.url, RAW_TOKEN: server.token, RAW_KERNEL: server.kernel}
  const samples = await interleave(rounds, {
    raw: async () => (await timed(node, [join(root, 'bench', 'raw.mjs'), 'exec'], {env: rawEnv})).ms,
    exec: async () => (await cgpu(['exec', '-r', 'bench', '1'])).ms,
  })
  const over = median(samples.exec) - median(samples.raw)
  add({what: 'warm cgpu exec 1, over a raw client in a fresh process', measured: `${ms(median(samples.exec))}, ${ms(over)} over ${ms(median(samples.raw))}`, goal: '<= 150 ms over', met: over <= 150})
}

async function cells(server) {
  const {openSession} = await import('./session.mjs')
  const session = await openSession(env, 'bench')
  const raw = await RawKernel.open(server)
  const count = 200
  const of = async (run) => {
    const started = performance.now()
    for (let index = 0; index < count; index++) await run()
    return performance.now() - started
  }
  const samples = await interleave(rounds, {
    raw: () => of(() => raw.execute('1')),
    cgpu: () => of(() => session.execute('1')),
  }, {warmup: 1})
  raw.close()
  await session.close()
  const ratio = median(samples.cgpu) / median(samples.raw)
  add({what: '200 trivial cells through one exec session', measured: `${ms(median(samples.cgpu))}, ${ratio.toFixed(2)}x of ${ms(median(samples.raw))}`, goal: '<= 1.25x', met: ratio <= 1.25})
}

const shapes = {
  'lines of 100 B': {code: 'line = "x" * 99\nfor _ in range(500_000): print(line)', line: 'x'.repeat(99), count: 500_000},
  'lines of 64 KiB': {code: 'line = "x" * 65_535\nfor _ in range(763): print(line)', line: 'x'.repeat(65_535), count: 763},
}

async function flood(server) {
  for (const [name, {code, line, count}] of Object.entries(shapes)) {
    const hash = createHash('sha256')
    for (let index = 0; index < count; index++) hash.update(`${line}\n`)
    const sha256 = hash.digest('hex')
    const bytes = (line.length + 1) * count
    const script = join(home, 'flood.py')
    writeFileSync(script, `${code}\n`)
    const raw = await RawKernel.open(server)
    const plain = (await raw.execute(code)).bytes
    raw.close()
    const peak = {}
    const once = async (label, args) => {
      const done = await cgpu(args, {env: {...env, BENCH_RSS: join(home, 'rss'), NODE_OPTIONS: `--import ${join(root, 'bench', 'rss.mjs')}`}})
      if (done.sha256 !== sha256) throw new Error(`${label}: ${done.bytes} of ${bytes} bytes, sha256 differs`)
      peak[label] = Math.max(peak[label] ?? 0, Number(readFileSync(join(home, 'rss'), 'utf8')))
      return bytes / 1e6 / (done.ms / 1000)
    }
    const samples = await interleave(rounds, {
      exec: () => once('exec', ['exec', '-r', 'bench', '-f', script]),
      run: () => once('run', ['run', '-r', 'bench', script]),
    }, {warmup: 1})
    for (const label of ['exec', 'run']) {
      const rate = median(samples[label])
      const memory = peak[label] / 1e6
      add({
        what: `50 MB printed by ${label}, ${name}`,
        measured: `${rate.toFixed(1)} MB/s, ${memory.toFixed(0)} MB resident, sha256 equal`,
        goal: '>= 20 MB/s, < 150 MB', met: rate >= 20 && memory < 150,
      })
    }
    console.log(`  a plain client gets ${plain} of ${bytes} bytes`)
    rows.push({what: `a plain client gets of it, ${name}`, measured: `${plain} of ${bytes} bytes`, goal: '', met: true})
  }
}

function write() {
  const file = join(root, 'docs', 'performance.md')
  const marked = /(<!-- figures -->\n)[\s\S]*(<!-- end of figures -->)/
  const head = `Measured on ${new Date().toISOString().slice(0, 10)} with \`npm run bench\`: medians of ${rounds} interleaved rounds, Node ${process.versions.node}, ${platform()} ${release()}, ${cpus().length} cores (${cpus()[0]?.model.trim()}).\n\n`
  const lines = rows.map((row) => `| ${row.what} | ${row.measured} | ${row.goal} | ${row.goal === '' ? '' : row.met ? 'met' : 'missed'} |`)
  const text = `${head}| what | measured | goal | |\n|---|---|---|---|\n${lines.join('\n')}\n`
  writeFileSync(file, readFileSync(file, 'utf8').replace(marked, (_all, start, end) => `${start}\n${text}\n${end}`))
}

async function jupyter() {
  const server = await startJupyter({python: process.env.CGPU_TEST_PYTHON})
  try {
    json(['runtime', 'create', '--name', 'here'])
    json(['runtime', 'add', server.url, '--name', 'bench', '--token-stdin'], server.token)
    const answer = await fetch(`${server.url}api/kernels`, {method: 'POST', headers: {authorization: `token ${server.token}`}, body: '{"name":"python3"}'})
    server.kernel = (await answer.json()).id
    await cgpu(['exec', '-r', 'bench', '1'])
    if (wanted('exec')) await exec(server)
    if (wanted('cells')) await cells(server)
    if (wanted('flood')) await flood(server)
    if (wanted('repl')) {
      const {replFigures} = await import('./repl.mjs')
      await replFigures({home, env, bin, rounds, add, server})
    }
    if (wanted('completion')) {
      const {completionFigures} = await import('./completion.mjs')
      await completionFigures({home, env, bin, rounds, add, server})
    }
    if (wanted('jobs')) {
      const {jobFigures} = await import('./jobs.mjs')
      await jobFigures({home, env, bin, rounds, add, json})
    }
    if (wanted('proxy')) {
      const {proxyFigures} = await import('./proxy.mjs')
      await proxyFigures({home, env, bin, rounds, add, server})
    }
    if (wanted('shell')) {
      const {shellFigures} = await import('./shell.mjs')
      await shellFigures({env, server, rounds, add})
    }
    if (wanted('ports')) {
      const {portFigures} = await import('./ports.mjs')
      await portFigures({home, env, bin, rounds, add})
    }
    if (wanted('files')) {
      const {fileFigures} = await import('./files.mjs')
      await fileFigures({home, env, bin, rounds, add, server})
    }
    if (wanted('plugins')) {
      const {pluginFigures} = await import('./plugins.mjs')
      await pluginFigures({home, env, bin, rounds, add, server})
    }
    if (wanted('notebook')) {
      const {notebookFigures} = await import('./notebook.mjs')
      await notebookFigures({home, env, bin, rounds, add, server})
    }
    if (wanted('notebook-memory')) {
      const {notebookMemoryFigures} = await import('./notebook-memory.mjs')
      await notebookMemoryFigures({home, env, bin, add})
    }
    json(['runtime', 'release', 'bench'])
    if (wanted('startup')) await startup()
  } finally {
    spawnSync(node, [bin, 'stop', '--all', '--yes'], {env, cwd: home})
    await server.stop()
  }
}

try {
  if (['exec', 'cells', 'flood', 'repl', 'completion', 'jobs', 'proxy', 'shell', 'ports', 'files', 'plugins', 'notebook', 'notebook-memory', 'startup'].some(wanted)) await jupyter()
  if (wanted('emulator')) {
    const {emulatorFigures} = await import('./emulator.mjs')
    await emulatorFigures({home, env, bin, rounds, add})
  }
  if (wanted('notebook-export')) {
    const {notebookExportFigures} = await import('./notebook-export.mjs')
    await notebookExportFigures({home, env, bin, rounds, add})
  }
  if (wanted('history')) {
    const {historyFigures} = await import('./history.mjs')
    await historyFigures({env, bin, rounds, add})
  }
  if (wanted('daemon')) {
    const {daemonFigures} = await import('./daemon.mjs')
    await daemonFigures({home, env, bin, rounds, add})
  }
  if (positionals.length === 0 && rounds >= 20) write()
} finally {
  rmSync(home, {recursive: true, force: true})
}
process.exit(rows.every((row) => row.met) ? 0 : 1)

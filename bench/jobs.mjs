// What following and finding the output of jobs costs: of logs that are there, so that no program is waited for.
import {spawn} from 'node:child_process'
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {interleave, median, timed} from './measure.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const ms = (value) => `${value.toFixed(0)} ms`
/** prints so many MB in lines of 64 KiB or 100 B */
const printer = (megabytes, line) => `import sys\nline = b"x" * ${line - 1} + b"\\n"\nout = sys.stdout.buffer\nfor _ in range(${Math.round((megabytes * 1e6) / line)}): out.write(line)\nout.flush()\n`

export async function jobFigures({home, env, bin, rounds, add, json}) {
  const cgpu = (args, more = {}) => timed(process.execPath, [bin, ...args], {env, cwd: home, ...more})
  const job = async (name, code) => {
    writeFileSync(join(home, name), code)
    const {id} = json(['run', '--detach', '-r', 'bench', '--output', 'json', name])
    await cgpu(['job', 'wait', id])
    return id
  }
  for (const [label, line] of [['lines of 100 B', 100], ['lines of 64 KiB', 65_536]]) {
    const id = await job('hundred.py', printer(100, line))
    let peak = 0
    const samples = await interleave(Math.max(3, Math.round(rounds / 4)), {
      logs: async () => {
        const done = await cgpu(['logs', '-f', id], {env: {...env, BENCH_RSS: join(home, 'rss'), NODE_OPTIONS: `--import ${join(root, 'bench', 'rss.mjs')}`}})
        peak = Math.max(peak, Number(readFileSync(join(home, 'rss'), 'utf8')))
        return done.bytes / 1e6 / (done.ms / 1000)
      },
    }, {warmup: 1})
    const rate = median(samples.logs)
    add({what: `logs -f of 100 MB, ${label}`, measured: `${rate.toFixed(0)} MB/s, ${(peak / 1e6).toFixed(0)} MB resident`, goal: '>= 50 MB/s, < 100 MB', met: rate >= 50 && peak < 100e6})
  }
  const id = await job('thousand.py', printer(1000, 100))
  const samples = await interleave(rounds, {
    node: async () => (await timed(process.execPath, ['-e', '0'], {env})).ms,
    tail: () => untilTail(bin, id, {env, cwd: home}),
  }, {warmup: 1})
  const value = median(samples.tail)
  add({what: 'job attach --tail 10 of a 1 GB log, until the tail is there', measured: `${ms(value)}, node -e 0 takes ${ms(median(samples.node))}`, goal: '< 500 ms', met: value < 500})
}

/** From the start of the process to its first byte of output. */
function untilTail(bin, id, options) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(process.execPath, [bin, 'job', 'attach', id, '--tail', '10'], {...options, stdio: ['ignore', 'pipe', 'ignore']})
    let first
    child.stdout.on('data', () => (first ??= performance.now() - started))
    child.once('close', (status) => (status === 0 && first !== undefined ? resolve(first) : reject(new Error(`job attach ended with ${status}`))))
  })
}

// Copies against the best that a minimal client gets out of the same server in the same run.
import {spawnSync} from 'node:child_process'
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {interleave, median, timed} from './measure.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const megabytes = Number(process.env.BENCH_FILE_MB ?? 1000)
const count = 10_000

export async function fileFigures({home, env, bin, rounds, add, server}) {
  const times = Math.max(1, Math.min(5, Math.round(rounds / 4)))
  const rawEnv = {...env, RAW_URL: server.url, RAW_TOKEN: server.token, RAW_KERNEL: server.kernel}
  const raw = async (...args) => (await timed(process.execPath, [join(root, 'bench', 'carriers.mjs'), ...args], {env: rawEnv})).ms
  let peak = 0
  const cgpu = async (...args) => {
    const {ms} = await timed(process.execPath, [bin, 'cp', '-q', ...args], {env: {...env, BENCH_RSS: join(home, 'rss'), NODE_OPTIONS: `--import ${join(root, 'bench', 'rss.mjs')}`}, cwd: home})
    peak = Math.max(peak, Number(readFileSync(join(home, 'rss'), 'utf8')))
    return ms
  }
  const at = (name) => join(home, name)
  const shell = (line) => spawnSync('sh', ['-ec', line], {cwd: home, stdio: 'inherit'})

  shell(`head -c ${megabytes}000000 /dev/urandom > big; cp big ${server.root}/raw-down`)
  const memory = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  const fresh = (names, work) => async () => {
    for (const name of names) rmSync(name, {recursive: true, force: true})
    return work()
  }
  await raw('up', at('big'))
  const before = memory()
  const big = await interleave(times, {
    rawUp: fresh([join(server.root, 'raw-up')], () => raw('up', at('big'))),
    up: fresh([join(server.root, 'up')], () => cgpu('big', 'bench:up')),
    rawDown: fresh([at('raw-down')], () => raw('down', at('raw-down'))),
    files: fresh([at('raw-files')], () => raw('files', at('raw-files'))),
    down: fresh([at('down')], () => cgpu('bench:raw-down', 'down')),
  }, {warmup: 0})
  const grown = memory() - before
  const rate = (name) => (megabytes / median(big[name])) * 1000
  for (const {label, cp, floors} of [{label: 'upload', cp: 'up', floors: {comm: rate('rawUp')}}, {label: 'download', cp: 'down', floors: {comm: rate('rawDown'), 'GET /files': rate('files')}}]) {
    const share = rate(cp) / Math.max(...Object.values(floors))
    const told = Object.entries(floors).map(([name, value]) => `${name} ${value.toFixed(0)}`).join(', ')
    add({what: `${label} of ${megabytes} MB by cp`, measured: `${rate(cp).toFixed(0)} MB/s, ${(share * 100).toFixed(0)} % of the best raw carrier (${told} MB/s)`, goal: '>= 85 %', met: share >= 0.85})
  }
  add({what: `memory of cp, ${megabytes} MB`, measured: `${(peak / 1e6).toFixed(0)} MB resident; the server grew by ${(grown / 1e6).toFixed(0)} MB`, goal: '< 200 MB', met: peak < 200e6 && grown < 100e6})
  shell(`rm -f big raw-* down ${server.root}/raw-* ${server.root}/up`)

  mkdirSync(at('many'))
  for (let folder = 0; folder < 100; folder++) mkdirSync(at(`many/${folder}`))
  for (let index = 0; index < count; index++) writeFileSync(at(`many/${index % 100}/${index}.txt`), `${index} `.repeat(1 + (index % 500)))
  const many = await interleave(times, {
    tarUp: fresh([join(server.root, 'raw-tar')], () => raw('tar-up', at('many'))),
    up: fresh([join(server.root, 'up')], () => cgpu('many/', 'bench:up')),
    tarDown: fresh([at('tar-down')], async () => {
      mkdirSync(at('tar-down'))
      return raw('tar-down', at('tar-down'))
    }),
    down: fresh([at('down')], () => cgpu('bench:up/', 'down')),
    again: () => cgpu('many/', 'bench:up'),
  }, {warmup: 0})
  for (const [name, floor, label] of [['up', 'tarUp', 'upload'], ['down', 'tarDown', 'download']]) {
    const [value, best] = [median(many[name]), median(many[floor])]
    add({what: `${label} of 10,000 small files by cp`, measured: `${(value / 1000).toFixed(1)} s, ${(value / best).toFixed(2)}x of tar over comm (${(best / 1000).toFixed(1)} s)`, goal: '<= 2x', met: value / best <= 2})
  }
  add({what: 'the same upload again, all there', measured: `${(median(many.again) / 1000).toFixed(1)} s`, goal: '', met: true})
}

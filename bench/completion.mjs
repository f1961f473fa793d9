// What a Tab waits for: each source of values, a process a time, with the daemon and without. Node's own start is part of it.
import {spawnSync} from 'node:child_process'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {interleave, median, percentile, timed} from './measure.mjs'

const lines = {
  commands: ['runtime', ''],
  runtimes: ['runtime', 'show', ''],
  jobs: ['job', 'logs', ''],
  profiles: ['config', 'set', '--profile', ''],
  plugins: ['plugins', 'inspect', ''],
  kernels: ['kernel', 'attach', '-r', 'bench', ''],
  'remote paths': ['fs', 'ls', 'bench:bench-tab/'],
}
const remote = new Set(['kernels', 'remote paths'])

/** `server` is the runtime `bench`. */
export async function completionFigures({home, env: given, bin, rounds, add, server}) {
  const node = process.execPath
  // what is slow is to be measured, not given up
  const env = {...given, CGPU_DAEMON: 'on', CGPU_COMPLETION_MS: '20000'}
  const cgpu = (...args) => {
    const done = spawnSync(node, [bin, ...args], {env, cwd: home, encoding: 'utf8'})
    if (done.status !== 0) throw new Error(`cgpu ${args.join(' ')}: ${done.stdout}${done.stderr}`)
    return done.stdout
  }
  mkdirSync(join(server.root, 'bench-tab'))
  for (let i = 0; i < 200; i++) writeFileSync(join(server.root, 'bench-tab', `file-${i}`), '')
  cgpu('config', 'set', 'gpu', 't4', '--profile', 'bench')
  cgpu('run', '-r', 'bench', '--', 'true')
  cgpu('daemon', 'start')
  try {
    const tab = (words, more = {}) => async () => {
      const done = await timed(node, [bin, '__complete', 'zsh', ...words], {env: {...env, ...more}, cwd: home})
      if (done.bytes < 3 && words[0] !== 'plugins') throw new Error(`cgpu ${words.join(' ')} knows nothing`)
      return done.ms
    }
    const samples = await interleave(rounds, {
      node: async () => (await timed(node, ['-e', '0'], {env})).ms,
      ...Object.fromEntries(Object.entries(lines).map(([name, words]) => [name, tab(words)])),
      ...Object.fromEntries(Object.entries(lines).filter(([name]) => remote.has(name)).map(([name, words]) => [`${name}, asked a moment ago, no daemon`, tab(words, {CGPU_DAEMON: 'off'})])),
    })
    const {node: floors, ...tabs} = samples
    const floor = `node -e 0: ${median(floors).toFixed(0)} and ${percentile(floors, 95).toFixed(0)} ms`
    for (const [name, values] of Object.entries(tabs)) {
      const slowest = percentile(values, 95)
      const goal = name.endsWith('no daemon') ? '' : '95 % within 100 ms'
      add({what: `Tab: ${name}`, measured: `${median(values).toFixed(0)} ms, 95 % within ${slowest.toFixed(0)} ms; ${floor}`, goal, met: goal === '' || slowest < 100})
    }
  } finally {
    spawnSync(node, [bin, 'daemon', 'stop'], {env, cwd: home})
  }
}

// What the daemon gives and what it takes: a warm exec against Node's own start, its memory with five runtimes, its processor time
// when nothing happens.
import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {setTimeout as delay} from 'node:timers/promises'
import {interleave, median, timed} from './measure.mjs'

const runtimes = ['one', 'two', 'three', 'four', 'five']
const idleSeconds = 30

/** Of the process, in clock ticks of 10 ms. */
function ticks(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

export async function daemonFigures({home, env: given, bin, rounds, add}) {
  const env = {...given, CGPU_DAEMON: 'on'}
  const node = process.execPath
  const cgpu = (...args) => {
    const done = spawnSync(node, [bin, ...args], {env, cwd: home, encoding: 'utf8'})
    if (done.status !== 0) throw new Error(`cgpu ${args.join(' ')}: ${done.stdout}${done.stderr}`)
    return done.stdout
  }
  const status = () => JSON.parse(cgpu('daemon', 'status', '--json')).data
  try {
    for (const name of runtimes) cgpu('runtime', 'create', '--name', name)
    cgpu('daemon', 'start')
    for (const name of runtimes) cgpu('exec', '-r', name, '1')
    const samples = await interleave(rounds, {
      node: async () => (await timed(node, ['-e', '0'], {env})).ms,
      exec: async () => (await timed(node, [bin, 'exec', '-r', 'one', '1'], {env, cwd: home})).ms,
    })
    const floor = median(samples.node)
    const over = median(samples.exec) - floor
    add({what: 'warm cgpu exec 1 by the daemon', measured: `${(floor + over).toFixed(0)} ms, ${over.toFixed(0)} ms over node -e 0 (${floor.toFixed(0)} ms)`, goal: '<= 60 ms over', met: over <= 60})
    for (const name of runtimes) cgpu('exec', '-r', name, '1')
    const {pid, memoryBytes, sessions, executions} = status()
    if (sessions.length !== runtimes.length || executions < rounds) throw new Error('the daemon was not used')
    const before = ticks(pid)
    await delay(idleSeconds * 1000)
    const used = (ticks(pid) - before) / 100 / idleSeconds
    const resident = Math.max(memoryBytes, Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024)
    add({what: 'memory of the daemon, five runtimes open', measured: `${(resident / 1e6).toFixed(1)} MB resident`, goal: '< 80 MB', met: resident < 80e6})
    add({what: `processor time of the daemon, idle for ${idleSeconds} s`, measured: `${(used * 100).toFixed(2)} %`, goal: '< 0.5 %', met: used < 0.005})
  } finally {
    spawnSync(node, [bin, 'daemon', 'stop'], {env, cwd: home})
    spawnSync(node, [bin, 'stop', '--all', '--yes'], {env, cwd: home})
  }
}

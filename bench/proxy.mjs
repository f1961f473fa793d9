// What `cgpu jupyter proxy` adds: requests, megabytes and kernel round trips through it, against the same server asked directly.
import {spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {writeFileSync} from 'node:fs'
import {Agent, request} from 'node:http'
import {join} from 'node:path'
import {interleave, median} from './measure.mjs'
import {RawKernel} from './raw.mjs'

const requests = 200
const megabytes = 64

/** `server`: added as `bench`, with a kernel. */
export async function proxyFigures({home, env, bin, rounds, add, server}) {
  writeFileSync(join(server.root, 'bench.bin'), randomBytes(megabytes * 1e6))
  const child = spawn(process.execPath, [bin, 'jupyter', 'proxy', 'bench', '--json'], {env, cwd: home, stdio: ['ignore', 'pipe', 'inherit']})
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', () => reject(new Error('cgpu jupyter proxy ended')))
  })
  const {url, token} = JSON.parse(line).data
  const proxy = {url: url.replace(/\?.*/, ''), token, kernel: server.kernel}
  const agent = new Agent({keepAlive: true})
  try {
    const small = await both(rounds, server, proxy, (place) => timeOf(async () => {
      for (let index = 0; index < requests; index++) await get(agent, place, 'api/status')
    }))
    const each = (small.proxy - small.direct) / requests
    add({what: 'a request through cgpu jupyter proxy', measured: `${each.toFixed(2)} ms over ${(small.direct / requests).toFixed(2)} ms`, goal: '<= 3 ms over', met: each <= 3})
    const big = await both(Math.min(rounds, 10), server, proxy, (place) => timeOf(() => get(agent, place, 'files/bench.bin')))
    const rate = (ms) => (megabytes * 1000) / ms
    const ratio = big.direct / big.proxy
    add({what: `a file of ${megabytes} MB through it`, measured: `${rate(big.proxy).toFixed(0)} MB/s, ${(ratio * 100).toFixed(0)} % of ${rate(big.direct).toFixed(0)} MB/s`, goal: '>= 50 MB/s', met: rate(big.proxy) >= 50})
    const kernels = {direct: await RawKernel.open(server), proxy: await RawKernel.open(proxy)}
    const cells = await interleave(rounds, Object.fromEntries(Object.entries(kernels).map(([name, kernel]) => [name, () => timeOf(async () => {
      for (let index = 0; index < 20; index++) await kernel.execute('1')
    })])))
    for (const kernel of Object.values(kernels)) kernel.close()
    const cell = (median(cells.proxy) - median(cells.direct)) / 20
    add({what: 'a trivial cell through it', measured: `${cell.toFixed(2)} ms over ${(median(cells.direct) / 20).toFixed(2)} ms`, goal: '<= 3 ms over', met: cell <= 3})
  } finally {
    agent.destroy()
    child.kill('SIGTERM')
    await ended
  }
}

async function both(rounds, direct, proxy, run) {
  const samples = await interleave(rounds, {direct: () => run(direct), proxy: () => run(proxy)})
  return {direct: median(samples.direct), proxy: median(samples.proxy)}
}

async function timeOf(work) {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Reads an answer to its end and keeps nothing of it. */
function get(agent, {url, token}, path) {
  return new Promise((resolve, reject) => {
    request(new URL(path, url), {agent, headers: {authorization: `token ${token}`}}, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`))
      response.resume().once('end', resolve)
    }).once('error', reject).end()
  })
}

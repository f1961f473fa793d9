// The emulator's own figures, and how often cgpu asks Colab's control plane: counted in the emulator's request log.
import {mkdirSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {Agent, request} from 'node:http'
import {join} from 'node:path'
import {AdminClient, startDaemon, stopDaemon} from '@cgpu/emulator'
import {interleave, median, timed} from './measure.mjs'

const node = process.execPath
const ms = (value) => `${value.toFixed(0)} ms`
const machines = 20

/** Adds rows: start, machines, control calls a second, and calls of `run` and `runtime list`. */
export async function emulatorFigures({home, env, bin, rounds, add}) {
  // emulators are started from here too
  Object.assign(process.env, env)
  try {
    await start({home, env, bin, rounds, add})
  } finally {
    await stopDaemon(join(home, 'data', 'state', 'emulators', 'default'))
  }
  const {running} = await startDaemon({folder: join(home, 'emulator')})
  try {
    const colab = new Colab(running)
    const admin = new AdminClient(running)
    await admin.setAccount('me@example.com', {maxAssignments: machines + 1, balance: 1000})
    await readiness({colab, admin, rounds: Math.min(rounds, 5), add})
    await calls({home, env: {...env, ...running.env}, bin, admin, add})
    await many({colab, admin, add})
    await load({colab, add, seconds: 3})
    colab.close()
  } finally {
    await stopDaemon(join(home, 'emulator'))
  }
}

async function start({home, env, bin, rounds, add}) {
  const folder = join(home, 'starts')
  const samples = await interleave(rounds, {
    node: async () => (await timed(node, ['-e', '0'], {env})).ms,
    process: async () => {
      const started = performance.now()
      await startDaemon({folder})
      const took = performance.now() - started
      await stopDaemon(folder)
      return took
    },
    command: async () => {
      const {ms: took} = await timed(node, [bin, 'emulator', 'start'], {env, cwd: home})
      await timed(node, [bin, 'emulator', 'stop'], {env, cwd: home})
      return took
    },
  })
  const [floor, process_] = [median(samples.node), median(samples.process)]
  add({what: 'emulator listening, before its first machine', measured: `${ms(process_)}, ${(process_ / floor).toFixed(1)}x of node -e 0 (${ms(floor)})`, goal: '< 300 ms', met: process_ < 300})
  add({what: 'cgpu emulator start', measured: ms(median(samples.command)), goal: '', met: true})
}

/** From the wish for a machine until its Jupyter server has answered. */
async function readiness({colab, admin, rounds, add}) {
  const samples = []
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    await colab.machine(`ready-${round}`)
    samples.push(performance.now() - started)
    await admin.reclaim()
  }
  const [first, ...others] = samples
  add({what: "emulated machine ready, an emulator's first", measured: ms(first), goal: '< 3000 ms', met: first < 3000})
  if (others.length > 0) add({what: 'emulated machine ready, later ones', measured: ms(median(others)), goal: '< 3000 ms', met: median(others) < 3000})
}

async function calls({home, env, bin, admin, add}) {
  const script = join(home, 'two.py')
  writeFileSync(script, 'print(1 + 1)\n')
  const cgpu = (args) => timed(node, [bin, ...args], {env, cwd: home})
  const counted = async (args) => {
    const before = (await admin.log({limit: 1})).at(-1)?.id ?? 0
    await cgpu(args)
    const after = await admin.log({since: before, site: 'control'})
    return after.length
  }
  await cgpu(['runtime', 'create', '--provider', 'colab', '--gpu', 'T4', '--name', 'counted'])
  forget(join(home, 'data', 'state'))
  const cold = await counted(['run', '-r', 'counted', script])
  const warm = await counted(['run', '-r', 'counted', script])
  const list = await counted(['runtime', 'list'])
  await cgpu(['runtime', 'release', 'counted', '--yes'])
  add({what: 'control-plane calls of cgpu run, no token kept', measured: String(cold), goal: '<= 3', met: cold <= 3})
  add({what: 'control-plane calls of cgpu run, tokens kept', measured: String(warm), goal: '<= 1', met: warm <= 1})
  add({what: 'control-plane calls of cgpu runtime list', measured: String(list), goal: '<= 1', met: list <= 1})
}

/** Drops what cgpu keeps of tokens, as when they have ended. */
function forget(state) {
  rmSync(join(state, 'tokens'), {recursive: true, force: true})
  mkdirSync(state, {recursive: true})
  for (const name of readdirSync(state, {recursive: true})) if (name.endsWith('proxy-tokens.json')) rmSync(join(state, name))
}

async function many({colab, admin, add}) {
  const started = performance.now()
  const results = await Promise.allSettled(Array.from({length: machines}, (_, index) => colab.machine(`many-${index}`)))
  const took = performance.now() - started
  const failed = results.find((one) => one.status === 'rejected')
  if (failed) console.error(failed.reason)
  const alive = results.filter((one) => one.status === 'fulfilled').length
  const {assignments} = await admin.status()
  add({what: `${machines} emulated machines at once, all answering`, measured: `${alive} of ${machines} in ${(took / 1000).toFixed(1)} s`, goal: `${machines}`, met: alive === machines && assignments.length >= machines})
}

/** Lists what is assigned, over and over. */
async function load({colab, add, seconds, parallel = 8}) {
  const times = []
  const end = performance.now() + seconds * 1000
  const worker = async () => {
    while (performance.now() < end) {
      const started = performance.now()
      await colab.call('/v1/assignments')
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({length: parallel}, worker))
  const rate = times.length / seconds
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]
  add({what: `control-plane calls with ${machines} machines`, measured: `${rate.toFixed(0)} a second, p99 ${p99.toFixed(1)} ms`, goal: '>= 200 a second', met: rate >= 200})
}

/** Colab's control plane as a bare client. */
class Colab {
  constructor({url, env}) {
    this.url = url
    this.headers = {'authorization': `Bearer ${env.CGPU_TOKEN}`, 'x-colab-tunnel': 'Google', 'accept': 'application/json'}
    this.agent = new Agent({keepAlive: true})
  }

  close() {
    this.agent.destroy()
  }

  /** Asks for a machine, and waits until its server answers. */
  async machine(name) {
    const path = `/tun/m/assign?nbh=${name.padEnd(44, '.')}&variant=GPU&accelerator=T4&authuser=0`
    const {token} = await this.call(path)
    const {runtimeProxyInfo} = await this.call(path, {method: 'POST', headers: {'x-goog-colab-token': token}})
    await this.call('/api/kernelspecs', {origin: runtimeProxyInfo.url.replace(/\/$/, ''), headers: {'x-colab-runtime-proxy-token': runtimeProxyInfo.token}})
  }

  /** JSON of an answer, without the prefix that Colab puts in front of it. */
  call(path, {origin = this.url, method = 'GET', headers = {}} = {}) {
    return new Promise((resolve, reject) => {
      const outgoing = request(origin + path, {agent: this.agent, method, headers: {...this.headers, ...headers}}, (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk)).once('end', () => {
          const text = Buffer.concat(chunks).toString()
          if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode} ${text.slice(0, 200)}`))
          else resolve(JSON.parse(text.replace(/^\)\]\}'\n/, '')))
        })
      })
      outgoing.once('error', reject).end()
    })
  }
}

// Forwarded ports, with the same requests straight to the server in the same rounds as the floor.
import {spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {Agent, request} from 'node:http'
import {connect} from 'node:net'
import {join} from 'node:path'
import {startDaemon, stopDaemon} from '@cgpu/emulator'
import {interleave, median} from './measure.mjs'

const node = process.execPath
const requests = 200
const megabytes = 200

/** The server, in a process of its own: GET / is answered at once; a raw connection's first byte says `d`own or `u`p. */
const serving = `
const {createServer} = require('node:http'), net = require('node:net')
const piece = Buffer.alloc(1 << 20, 'x')
const web = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
const raw = net.createServer({allowHalfOpen: true}, (socket) => {
  socket.on('error', () => {})
  let count = 0
  socket.once('data', (first) => {
    if (first[0] === 117) { count = first.length - 1; socket.on('data', (data) => (count += data.length)).on('end', () => socket.end(String(count))); return }
    let left = ${megabytes}
    const more = () => { while (left-- > 0) if (!socket.write(piece)) return socket.once('drain', more); socket.end() }
    more()
  })
}).listen(0, '127.0.0.1', () => console.log(JSON.stringify({web: web.address().port, raw: raw.address().port})))`

async function forward({bin, env, home}, args, port) {
  const child = spawn(node, [bin, 'port', 'forward', ...args, `0:${port}`], {env, cwd: home, stdio: ['ignore', 'pipe', 'ignore']})
  for (let said = ''; ; ) {
    const [text] = await once(child.stdout, 'data')
    said += text
    const found = /^127\.0\.0\.1:(\d+) ->/m.exec(said)
    if (found) return {port: Number(found[1]), stop: () => new Promise((resolve) => child.once('exit', resolve).kill('SIGINT'))}
  }
}

async function asked(port, agent) {
  const sent = request({host: '127.0.0.1', port, agent}).end()
  const [answer] = await once(sent, 'response')
  answer.resume()
  await once(answer, 'end')
}

/** ms a request */
async function perRequest(port, agent) {
  const started = performance.now()
  for (let index = 0; index < requests; index++) await asked(port, agent)
  return (performance.now() - started) / requests
}

/** MB/s */
async function rate(port, direction) {
  const socket = connect(port, '127.0.0.1')
  const started = performance.now()
  let count = 0
  socket.write(direction === 'down' ? 'd' : 'u')
  socket.on('data', (data) => (count += data.length))
  if (direction === 'up') {
    const piece = Buffer.alloc(1 << 20, 'x')
    for (let left = megabytes; left > 0; left--) if (!socket.write(piece)) await once(socket, 'drain')
    socket.end()
  }
  await once(socket, 'end')
  socket.end()
  if (direction === 'down' && count !== megabytes << 20) throw new Error(`${count} bytes came`)
  return (megabytes << 20) / 1e6 / ((performance.now() - started) / 1000)
}

async function figures({place, args, server, rounds, add, limits, ...run}) {
  const to = {web: await forward(run, args, server.web), raw: args.includes('proxy') ? undefined : await forward(run, args, server.raw)}
  const kept = {direct: new Agent({keepAlive: true, maxSockets: 1}), forward: new Agent({keepAlive: true, maxSockets: 1})}
  try {
    const requestsOf = await interleave(rounds, {
      direct: () => perRequest(server.web, kept.direct), forward: () => perRequest(to.web.port, kept.forward),
      directNew: () => perRequest(server.web, false), forwardNew: () => perRequest(to.web.port, false),
    }, {warmup: 1})
    for (const [what, one, floor] of [['connection kept', 'forward', 'direct'], ['a connection each', 'forwardNew', 'directNew']]) {
      const [value, least] = [median(requestsOf[one]), median(requestsOf[floor])]
      add({what: `${requests} HTTP requests, ${what}, ${place}`, measured: `${(value - least).toFixed(2)} ms each over ${least.toFixed(2)} ms`, goal: limits ? '<= 3 ms over' : '', met: !limits || value - least <= 3})
    }
    if (!to.raw) return
    for (const direction of ['down', 'up']) {
      const rates = await interleave(Math.min(rounds, 5), {direct: () => rate(server.raw, direction), forward: () => rate(to.raw.port, direction)}, {warmup: 1})
      const value = median(rates.forward)
      add({what: `${megabytes} MiB ${direction}, raw TCP, ${place}`, measured: `${value.toFixed(0)} MB/s of ${median(rates.direct).toFixed(0)} MB/s`, goal: limits ? '>= 50 MB/s' : '', met: !limits || value >= 50})
    }
  } finally {
    for (const agent of Object.values(kept)) agent.destroy()
    await to.web.stop()
    await to.raw?.stop()
  }
}

/** Adds rows: through the agent of a Jupyter server, and on an emulated Colab both ways. */
export async function portFigures({home, env, bin, rounds, add}) {
  const child = spawn(node, ['-e', serving], {stdio: ['ignore', 'pipe', 'inherit']})
  try {
    const server = JSON.parse(String((await once(child.stdout, 'data'))[0]))
    await figures({place: 'through a Jupyter server', args: ['-r', 'bench'], server, home, env, bin, rounds, add, limits: true})
    Object.assign(process.env, env)
    const {running} = await startDaemon({folder: join(home, 'emulator')})
    const colab = {...env, ...running.env, CGPU_PROVIDER: 'colab'}
    try {
      spawnSync(node, [bin, 'runtime', 'create', '--name', 'colab', '--cpu'], {env: colab, cwd: home})
      for (const via of ['agent', 'proxy']) {
        await figures({place: `emulated Colab, by the ${via}`, args: ['-r', 'colab', '--via', via], server, home, env: colab, bin, rounds, add, limits: false})
      }
    } finally {
      spawnSync(node, [bin, 'stop', 'colab', '--yes'], {env: colab, cwd: home})
      await stopDaemon(join(home, 'emulator'))
    }
  } finally {
    child.kill()
  }
}

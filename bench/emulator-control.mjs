// Calls a second that the emulated control plane answers, with one (trivial) machine assigned; the wish is 200.
//   node --conditions=cgpu-source bench/emulator-control.mjs [SECONDS] [CONNECTIONS]
// The server is a process of its own; `floor` is a bare node:http server that answers the same bytes, measured the same way.
import {fork} from 'node:child_process'
import {once} from 'node:events'
import {Agent, createServer, request} from 'node:http'

const nbh = 'bench'.padEnd(44, '.')
const [mode = '3', connections = '8'] = process.argv.slice(2)
if (mode === 'serve') await serve()
else await measure(Number(mode), Number(connections))

async function serve() {
  const {startControl} = await import('../test/helpers/control-plane.ts')
  const control = await startControl()
  const path = `/tun/m/assign?nbh=${nbh}&variant=GPU&accelerator=T4`
  const {token} = await control.json(path)
  await control.call(path, {method: 'POST', headers: {'x-goog-colab-token': token}})
  const {endpoint} = control.world.status().assignments[0]
  const list = await (await control.call('/v1/assignments')).text()
  const floor = createServer((incoming, response) => response.setHeader('Content-Type', 'application/json').end(list)).listen(0, '127.0.0.1')
  await once(floor, 'listening')
  process.send({url: control.url, token: control.token, endpoint, floor: `http://127.0.0.1:${floor.address().port}`})
  await once(process, 'message')
  floor.close()
  floor.closeAllConnections()
  await control.stop()
  process.disconnect()
}

async function measure(seconds, parallel) {
  const server = fork(new URL(import.meta.url), ['serve'], {execArgv: process.execArgv})
  const [{url, token, endpoint, floor}] = await once(server, 'message')
  const rows = [
    ['floor (bare node:http)', floor, '/v1/assignments'],
    ['G: list assignments', url, '/v1/assignments'],
    ['G: user-info', url, '/v1/user-info?get_ccu_consumption_info=true'],
    ['G: proxy token', url, `/v1/runtime-proxy-token?endpoint=${endpoint}&port=8080`],
    ['T: assign, GET (XSRF token)', url, `/tun/m/assign?nbh=${'other'.padEnd(44, '.')}&authuser=0`],
    ['T: keep-alive', url, `/tun/m/${endpoint}/keep-alive/?authuser=0`],
  ]
  const agent = new Agent({keepAlive: true, maxSockets: parallel})
  try {
    for (const [name, origin, path] of rows) {
      await load({origin, path, token, agent, parallel, seconds: 0.5})
      const {calls, p50, p99} = await load({origin, path, token, agent, parallel, seconds})
      console.log(`${name.padEnd(28)} ${String(Math.round(calls / seconds)).padStart(6)} calls/s   p50 ${p50.toFixed(2)} ms   p99 ${p99.toFixed(2)} ms`)
    }
  } finally {
    agent.destroy()
    server.send('end')
  }
}

async function load({origin, path, token, agent, parallel, seconds}) {
  const times = []
  const end = performance.now() + seconds * 1000
  const worker = async () => {
    while (performance.now() < end) {
      const start = performance.now()
      await call({origin, path, token, agent})
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({length: parallel}, worker))
  times.sort((a, b) => a - b)
  const at = (share) => times[Math.floor(times.length * share)] ?? 0
  return {calls: times.length, p50: at(0.5), p99: at(0.99)}
}

function call({origin, path, token, agent}) {
  return new Promise((resolve, reject) => {
    const outgoing = request(origin + path, {agent, headers: {authorization: `Bearer ${token}`, 'x-colab-tunnel': 'Google'}}, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${path}: ${response.statusCode}`))
      response.resume().once('end', resolve)
    })
    outgoing.once('error', reject).end()
  })
}

// Keys and their echo: through a terminal of cgpu's, and through the server's own terminal socket, in turn.
import WebSocket from 'ws'
import {Attachment} from '@cgpu/core/terminals/attachment'
import {Terminals} from '@cgpu/core/terminals/terminals'
import {openSession} from './session.mjs'

const size = {rows: 24, cols: 80}
const keysARound = 50

/** Types a key and waits until what came out has it: in `cat`, where the terminal itself echoes. */
class Echo {
  #wanted
  #resolve

  output(text) {
    if (this.#wanted === undefined || !text.includes(this.#wanted)) return
    this.#wanted = undefined
    this.#resolve()
  }

  of(key, type) {
    return new Promise((resolve) => {
      this.#wanted = key
      this.#resolve = resolve
      type(key)
    })
  }
}

async function ours(env) {
  const {session, close} = await openSession(env, 'bench')
  const terminals = new Terminals(session)
  const {terminal} = await terminals.open({argv: ['sh', '-c', 'echo ready; exec cat'], env: {}, term: 'xterm', size})
  const echo = new Echo()
  const ready = echo.of('ready', () => {})
  const attachment = new Attachment(session, terminal, {size, onBegin: () => {}, onOutput: (data) => echo.output(Buffer.from(data).toString('latin1'))})
  const following = attachment.follow()
  await ready
  return {
    key: (key) => echo.of(key, (one) => attachment.type(Buffer.from(one))),
    async close() {
      await terminals.kill(terminal.id)
      await following
      await close()
    },
  }
}

async function raw({url, token}) {
  const headers = {authorization: `token ${token}`}
  const {name} = await (await fetch(`${url}api/terminals`, {method: 'POST', headers, body: '{}'})).json()
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}terminals/websocket/${name}`, {headers, perMessageDeflate: false})
  const echo = new Echo()
  socket.on('message', (data) => {
    const [kind, text] = JSON.parse(data)
    if (kind === 'stdout') echo.output(text)
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const send = (text) => socket.send(JSON.stringify(['stdin', text]))
  await echo.of('re:ady', () => send('printf "%s\\n" re"":ady; exec cat\r'))
  return {
    key: (key) => echo.of(key, send),
    async close() {
      socket.close()
      await fetch(`${url}api/terminals/${name}`, {method: 'DELETE', headers})
    },
  }
}

const p95 = (values) => values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]
const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Adds the row of a key's echo. */
export async function shellFigures({env, server, rounds, add}) {
  const ends = {raw: await raw(server), cgpu: await ours(env)}
  const samples = {raw: [], cgpu: []}
  for (let key = -20; key < rounds * keysARound; key++) {
    for (const [name, end] of Object.entries(ends)) {
      // as a person types: the machine sleeps in between
      await new Promise((resolve) => setTimeout(resolve, 5))
      const started = performance.now()
      await end.key(String.fromCharCode(97 + ((key + 260) % 26)))
      if (key >= 0) samples[name].push(performance.now() - started)
      // a line would else get too long for the terminal
      if (key % 40 === 39) await end.key('\n')
    }
  }
  for (const end of Object.values(ends)) await end.close()
  const over = p95(samples.cgpu) - p95(samples.raw)
  add({
    what: `echo of ${samples.cgpu.length} keys in cgpu shell, over the terminal socket`,
    measured: `p95 ${p95(samples.cgpu).toFixed(1)} ms, ${over.toFixed(1)} over ${p95(samples.raw).toFixed(1)}; median ${middle(samples.cgpu).toFixed(1)} and ${middle(samples.raw).toFixed(1)}`,
    goal: '<= 5 ms over', met: over <= 5,
  })
}

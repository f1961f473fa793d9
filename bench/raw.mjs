// The floor: a minimal Jupyter client on `ws` with the pong, and nothing of cgpu. Used as a fresh process
// (`node bench/raw.mjs exec|cells N|flood FILE`, with RAW_URL, RAW_TOKEN and RAW_KERNEL) and by bench/run.mjs.
import {randomUUID} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import WebSocket from 'ws'

const V1 = 'v1.kernel.websocket.jupyter.org'

export class RawKernel {
  static open({url, token, kernel}) {
    const raw = new RawKernel()
    raw.session = randomUUID()
    raw.pending = new Map()
    raw.socket = new WebSocket(`${url.replace(/^http/, 'ws')}api/kernels/${kernel}/channels?session_id=${raw.session}`, [V1], {
      headers: {authorization: `token ${token}`}, perMessageDeflate: false, maxPayload: 2 ** 31 - 1, skipUTF8Validation: true,
    })
    raw.socket.binaryType = 'nodebuffer'
    raw.socket.on('message', (data) => {
      raw.socket.pong()
      raw.#receive(data)
    })
    return new Promise((resolve, reject) => {
      raw.socket.once('open', () => resolve(raw))
      raw.socket.once('error', reject)
    })
  }

  /** Resolves at shell reply and iopub idle; `bytes` counts stdout. */
  execute(code) {
    const id = randomUUID()
    const header = {msg_id: id, msg_type: 'execute_request', username: 'bench', session: this.session, date: new Date().toISOString(), version: '5.3'}
    const content = {code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false, stop_on_error: true}
    return new Promise((resolve) => {
      this.pending.set(id, {resolve, bytes: 0, reply: false, idle: false})
      this.socket.send(encode('shell', header, content))
    })
  }

  /** Resolves at the reply on the shell channel. */
  request(type, content) {
    const id = randomUUID()
    const header = {msg_id: id, msg_type: type, username: 'bench', session: this.session, date: new Date().toISOString(), version: '5.3'}
    return new Promise((resolve) => {
      this.pending.set(id, {resolve, bytes: 0, reply: false, idle: true})
      this.socket.send(encode('shell', header, content))
    })
  }

  close() {
    this.socket.close()
  }

  #receive(data) {
    const count = Number(data.readBigUInt64LE(0))
    const at = (index) => Number(data.readBigUInt64LE(8 * (index + 1)))
    const part = (index) => data.subarray(at(index), at(index + 1))
    const running = this.pending.get(JSON.parse(part(2)).msg_id)
    if (!running || count < 6) return
    const channel = part(0).toString()
    const type = JSON.parse(part(1)).msg_type
    if (channel === 'shell') running.reply = true
    else if (type === 'stream') {
      const {name, text} = JSON.parse(part(4))
      if (name === 'stdout') running.bytes += text.length
    } else if (type === 'status' && JSON.parse(part(4)).execution_state === 'idle') running.idle = true
    if (!running.reply || !running.idle) return
    this.pending.delete(JSON.parse(part(2)).msg_id)
    running.resolve(running)
  }
}

function encode(channel, header, content) {
  const parts = [Buffer.from(channel), ...[header, {}, {}, content].map((one) => Buffer.from(JSON.stringify(one)))]
  const head = Buffer.alloc(8 * (parts.length + 2))
  head.writeBigUInt64LE(BigInt(parts.length + 1), 0)
  let offset = head.length
  parts.forEach((part, index) => {
    head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1))
    offset += part.length
  })
  head.writeBigUInt64LE(BigInt(offset), 8 * (parts.length + 1))
  return Buffer.concat([head, ...parts])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const {RAW_URL: url, RAW_TOKEN: token, RAW_KERNEL: kernel} = process.env
  const raw = await RawKernel.open({url, token, kernel})
  if (process.argv[2] === 'exec') await raw.execute('1')
  else if (process.argv[2] === 'flood') console.log((await raw.execute(readFileSync(process.argv[3], 'utf8'))).bytes)
  raw.close()
}

// What the wire itself can carry, by minimal clients: `up FILE`, `down FILE`, `tar-up DIR`, `tar-down DIR` over comm frames, `files FILE`
// by GET /files, `contents FILE` by PUT of the contents API. No names, no hashes, nothing resumed. Kernel-side paths are relative to its folder.
import {spawn} from 'node:child_process'
import {randomUUID} from 'node:crypto'
import {createReadStream, createWriteStream, openSync, readSync, statSync} from 'node:fs'
import {Readable, Writable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {WebSocket} from 'ws'

const V1 = 'v1.kernel.websocket.jupyter.org'
const frameBytes = 4 << 20
const {RAW_URL: url, RAW_TOKEN: token, RAW_KERNEL: kernel} = process.env
const [what, path] = process.argv.slice(2)

/** The other end: counts a frame's arrival, or sends one for every credit. */
const other = `
import os, subprocess
from comm import get_comm_manager
def _bench(comm, message):
    data = message["content"]["data"]
    tar = subprocess.Popen(data.get("tar"), stdin=subprocess.PIPE if data["up"] else None, stdout=None if data["up"] else subprocess.PIPE) if data.get("tar") else None
    file = (tar.stdin if data["up"] else tar.stdout) if tar else open(data["path"], "wb" if data["up"] else "rb", buffering=0)
    def got(message):
        buffers = message.get("buffers") or []
        if data["up"]:
            if buffers:
                file.write(buffers[0])
                comm.send({"n": len(buffers[0])})
            else:
                file.close()
                if tar: tar.wait()
                comm.send({"end": True})
        else:
            block = file.read(${frameBytes})
            comm.send({"end": not block}, buffers=[block])
    comm.on_msg(got)
    comm.send({"ready": True})
get_comm_manager().register_target("bench", _bench)
`

function encode(type, content, buffers = []) {
  const header = {msg_id: randomUUID(), msg_type: type, username: 'bench', session, date: new Date().toISOString(), version: '5.3'}
  const parts = [Buffer.from('shell'), ...[header, {}, {}, content].map((one) => Buffer.from(JSON.stringify(one))), ...buffers]
  const head = Buffer.alloc(8 * (parts.length + 2))
  head.writeBigUInt64LE(BigInt(parts.length + 1), 0)
  let offset = head.length
  for (const [index, part] of parts.entries()) {
    head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1))
    offset += part.length
  }
  head.writeBigUInt64LE(BigInt(offset), 8 * (parts.length + 1))
  return Buffer.concat([head, ...parts])
}

const session = randomUUID()

async function comm(up, {file, tar, onData, source}) {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}api/kernels/${kernel}/channels?session_id=${session}`, [V1], {headers: {authorization: `token ${token}`}, perMessageDeflate: false, maxPayload: 2 ** 31 - 1, skipUTF8Validation: true})
  socket.binaryType = 'nodebuffer'
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const id = randomUUID()
  const heard = []
  let wake = () => {}
  socket.on('message', (data) => {
    socket.pong()
    const count = Number(data.readBigUInt64LE(0))
    const part = (index) => data.subarray(Number(data.readBigUInt64LE(8 * (index + 1))), Number(data.readBigUInt64LE(8 * (index + 2))))
    if (JSON.parse(part(1)).msg_type !== 'comm_msg') return
    const content = JSON.parse(part(4))
    if (content.comm_id !== id) return
    heard.push({data: content.data, buffer: count > 6 ? part(5) : undefined})
    wake()
  })
  const next = async () => {
    while (heard.length === 0) await new Promise((resolve) => (wake = resolve))
    return heard.shift()
  }
  const send = (data, buffers) => new Promise((resolve) => socket.send(encode('comm_msg', {comm_id: id, data}, buffers), resolve))
  socket.send(encode('execute_request', {code: other, silent: true, store_history: false, user_expressions: {}, allow_stdin: false, stop_on_error: true}))
  socket.send(encode('comm_open', {comm_id: id, target_name: 'bench', data: {up, path: file, tar}}))
  await next()
  if (up) {
    let open = 0
    for await (const piece of source) {
      if (open === 4) {
        await next()
        open--
      }
      await send({}, [piece])
      open++
    }
    for (; open > 0; open--) await next()
    await send({})
    await next()
  } else {
    for (let credits = 0; credits < 4; credits++) void send({})
    for (let ends = 0; ends < 4; ) {
      const {data, buffer} = await next()
      if (data.end) ends++
      else {
        void send({})
        await onData(buffer)
      }
    }
  }
  socket.close()
}

async function* framesOf(stream) {
  let held = []
  let size = 0
  for await (const chunk of stream) {
    held.push(chunk)
    size += chunk.length
    if (size < frameBytes) continue
    yield Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held)
}

function* blocksOf(name) {
  const fd = openSync(name)
  for (let at = 0; at < statSync(name).size; at += frameBytes) {
    const block = Buffer.allocUnsafe(frameBytes)
    yield block.subarray(0, readSync(fd, block, 0, frameBytes, at))
  }
}

/** With backpressure: what arrives is written before more is read. */
const writer = (stream) => (data) => new Promise((resolve, reject) => stream.write(data, (error) => (error ? reject(error) : resolve())))

if (what === 'up') await comm(true, {file: 'raw-up', source: blocksOf(path)})
else if (what === 'down') {
  const file = createWriteStream(path)
  await comm(false, {file: 'raw-down', onData: writer(file)})
  await new Promise((resolve) => file.end(resolve))
} else if (what === 'tar-up') {
  const tar = spawn('tar', ['cf', '-', '-C', path, '.'], {stdio: ['ignore', 'pipe', 'inherit']})
  await comm(true, {tar: ['sh', '-c', 'mkdir -p raw-tar && tar xf - -C raw-tar'], source: framesOf(tar.stdout)})
} else if (what === 'tar-down') {
  const tar = spawn('tar', ['xf', '-', '-C', path], {stdio: ['pipe', 'inherit', 'inherit']})
  await comm(false, {tar: ['tar', 'cf', '-', '-C', 'raw-tar', '.'], onData: writer(tar.stdin)})
  tar.stdin.end()
  await new Promise((resolve) => tar.once('close', resolve))
} else if (what === 'files') {
  const answer = await fetch(`${url}files/raw-down`, {headers: {authorization: `token ${token}`}})
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(path))
} else if (what === 'contents') {
  let chunk = 1
  const size = statSync(path).size
  for await (const data of createReadStream(path, {highWaterMark: 8 << 20})) {
    const last = (chunk - 1) * (8 << 20) + data.length === size
    const answer = await fetch(`${url}api/contents/raw-contents`, {method: 'PUT', headers: {authorization: `token ${token}`}, body: JSON.stringify({type: 'file', format: 'base64', content: data.toString('base64'), chunk: last ? -1 : chunk++})})
    if (!answer.ok) throw new Error(`${answer.status}`)
    await answer.body.pipeTo(Writable.toWeb(new Writable({write: (_chunk, _encoding, done) => done()})))
  }
}

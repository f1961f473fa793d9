import assert from 'node:assert/strict'
import {once} from 'node:events'
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {connect, createServer, type Server, type Socket} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {askDaemon, connectDaemon} from './connect.ts'
import {encodeFrame, encodeJson, FrameDecoder, FrameKind} from './frames.ts'
import {newNonce, newToken, proofOf} from './handshake.ts'
import {type DaemonRecord, protocolVersion} from './place.ts'
import {listen} from './server.ts'

describe('the handshake with the daemon', () => {
  let state: string
  let server: Server
  let record: DaemonRecord
  let clients: number
  let strangers: string[]

  const announce = (changed: Partial<DaemonRecord> = {}): void =>
    writeFileSync(join(state, 'daemon/daemon.json'), JSON.stringify({...record, ...changed}), {mode: 0o600})

  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), 'cgpu-hs-'))
    clients = 0
    strangers = []
    const folder = join(state, 'daemon')
    const token = newToken()
    const socket = join(folder, 'daemon.sock')
    server = await listen({
      socket, folder, token,
      onClient: (wire) => {
        clients++
        wire.handle({said: () => wire.say({t: 'heard'}), closed: () => undefined})
      },
      onStranger: (why) => strangers.push(why),
    })
    record = {pid: process.pid, protocol: protocolVersion, version: '1', build: 'this', token, socket}
    announce()
  })
  afterEach(() => {
    server.close()
    rmSync(state, {recursive: true})
  })

  /** What a server answers to these bytes, and then that it hung up. */
  async function answersTo(...frames: Uint8Array[]): Promise<unknown[]> {
    const socket: Socket = connect(record.socket)
    const said: unknown[] = []
    const decoder = new FrameDecoder()
    socket.on('data', (chunk) => {
      decoder.push(chunk)
      for (let one = decoder.next(); one; one = decoder.next()) said.push(JSON.parse(Buffer.from(one.body).toString('utf8')))
    })
    socket.on('error', () => undefined)
    for (const frame of frames) socket.write(frame)
    await once(socket, 'close')
    return said
  }

  it('lets in whoever knows the token', async () => {
    const greeted = await connectDaemon({state, build: 'this'})
    assert.ok('wire' in greeted, JSON.stringify(greeted))
    const answer = await askDaemon(greeted.wire, {t: 'status'})
    greeted.wire.destroy()
    assert.deepEqual([answer, clients], [{t: 'heard'}, 1])
  })

  it('turns away a wrong token, an old proof, garbage and what is too long', async () => {
    const nonce = newNonce()
    assert.equal((await answersTo(encodeJson({t: 'hello', nonce}), encodeJson({t: 'proof', proof: 'no'}))).length, 1)
    // a proof that was right for another connection is wrong for this one: the daemon's nonce is new
    const old = proofOf(record.token, 'client', {client: nonce, server: newNonce()})
    await answersTo(encodeJson({t: 'hello', nonce}), encodeJson({t: 'proof', proof: old}))
    await answersTo(encodeJson({t: 'status'}))
    await answersTo(encodeJson({t: 'hello', nonce: 'short'}))
    await answersTo(encodeJson({t: 'hello', nonce}), encodeJson({t: 'hello', nonce}))
    await answersTo(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await answersTo(encodeFrame(FrameKind.json, Buffer.from('[1]')))
    await answersTo(encodeFrame(FrameKind.json, Buffer.alloc(5000)))
    assert.equal(clients, 0)
    assert.equal(strangers.length, 8)
  })

  it('does not take the daemon\'s own proof for a client\'s', async () => {
    const nonce = newNonce()
    const socket = connect(record.socket)
    const decoder = new FrameDecoder()
    socket.write(encodeJson({t: 'hello', nonce}))
    socket.on('data', (chunk) => {
      decoder.push(chunk)
      const frame = decoder.next()
      if (frame) socket.write(encodeJson({t: 'proof', proof: (JSON.parse(Buffer.from(frame.body).toString('utf8')) as {proof: string}).proof}))
    })
    await once(socket, 'close')
    assert.equal(clients, 0)
  })

  it('is not begun where others could have a hand in it, or with another build', async () => {
    const why = async (build = 'this'): Promise<string> => {
      const greeted = await connectDaemon({state, build})
      assert.ok('why' in greeted)
      return greeted.why
    }
    assert.match(await why('that'), /another cgpu/)
    chmodSync(join(state, 'daemon/daemon.json'), 0o644)
    assert.match(await why(), /others may use it \(mode 644\)/)
    chmodSync(join(state, 'daemon/daemon.json'), 0o600)
    chmodSync(join(state, 'daemon'), 0o755)
    assert.match(await why(), /others may use it \(mode 755\)/)
    chmodSync(join(state, 'daemon'), 0o700)
    writeFileSync(join(state, 'daemon/daemon.json'), '{"pid":', {mode: 0o600})
    assert.match(await why(), /cannot be read/)
    assert.deepEqual([clients, strangers], [0, []])
  })

  it('tells a foreign server nothing but a nonce, and does not wait for a silent one', async () => {
    const heard: Buffer[] = []
    const folder = join(state, 'other')
    mkdirSync(folder, {mode: 0o700})
    const socket = join(folder, 's')
    const answers = [[undefined, /did not answer within 100 ms/, 100], [{t: 'challenge', nonce: newNonce(), proof: 'made up'}, /does not know the token/, 20_000], [{t: 'welcome'}, /no daemon says/, 20_000]] as const
    for (const [answer, why, limitMs] of answers) {
      const foreign = createServer((connection) => {
        connection.on('data', (chunk) => heard.push(chunk)).on('error', () => undefined)
        if (answer) connection.write(encodeJson(answer))
      })
      await new Promise<void>((resolve) => void foreign.listen(socket, resolve))
      announce({socket})
      const greeted = await connectDaemon({state, build: 'this', limitMs})
      assert.ok('why' in greeted)
      assert.match(greeted.why, why)
      foreign.close()
    }
    const all = Buffer.concat(heard).toString('latin1')
    assert.ok(!all.includes(record.token))
    const said = [...all.matchAll(/\{.*?\}/g)].map(([one]) => Object.keys(JSON.parse(one) as object))
    assert.ok(said.length >= 2)
    for (const keys of said) assert.deepEqual(keys, ['t', 'nonce'])
  })

  it('refuses a folder that others may use', async () => {
    const folder = join(state, 'open')
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    await assert.rejects(listen({socket: join(folder, 's'), folder, token: newToken(), onClient: () => undefined, onStranger: () => undefined}), {code: 'DAEMON_EXPOSED', exit: 73})
  })
})

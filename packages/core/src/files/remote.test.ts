import assert from 'node:assert/strict'
import {appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import * as fc from 'fast-check'
import {type AgentBed, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {AgentClient} from '../agent/client.ts'
import {type FoundEntry, RemoteFiles} from './remote.ts'

describe('files where they are', function () {
  this.timeout(60_000)
  let bed: AgentBed
  let agent: AgentClient
  let files: RemoteFiles
  const at = (...names: string[]): string => join(bed.jupyter.root, ...names)

  before(async () => {
    bed = await startAgentBed()
    agent = await AgentClient.open(await bed.kernel('python3'), {home: bed.home})
    files = new RemoteFiles(agent)
  })
  after(async () => {
    await agent.close()
    await bed.stop()
  })

  it('removes a link, not what it points to, and a folder only when it is empty or told so', async () => {
    mkdirSync(at('folder'))
    writeFileSync(at('folder', 'file'), 'x')
    symlinkSync('folder', at('link'))
    await files.remove('link')
    assert.ok(existsSync(at('folder', 'file')))
    await assert.rejects(files.remove('folder'), {code: 'REMOTE_NOT_EMPTY'})
    await files.remove('folder', {recursive: true})
    assert.equal(existsSync(at('folder')), false)
    await assert.rejects(files.remove('folder'), {code: 'REMOTE_NOT_FOUND'})
  })

  it('never removes the working folder or the root', async () => {
    for (const path of ['.', '/', bed.jupyter.root, `${bed.jupyter.root}/`]) {
      await assert.rejects(files.remove(path, {recursive: true}), {code: 'REMOTE_DENIED'}, path)
    }
    assert.ok(existsSync(bed.jupyter.root))
  })

  it('gives a kernel that was restarted its operations again', async () => {
    const connection = await bed.kernel('python3')
    const other = await AgentClient.open(connection, {home: bed.home})
    writeFileSync(at('one'), '')
    writeFileSync(at('two'), '')
    await new RemoteFiles(other).remove('one')
    await bed.server.restartKernel(connection.kernelId)
    await new RemoteFiles(other).remove('two')
    assert.equal(existsSync(at('two')), false)
    await other.close()
  })

  it('lists every entry once though the link is cut again and again', async () => {
    mkdirSync(at('cut'))
    for (let i = 0; i < 5000; i++) writeFileSync(at('cut', String(i).padStart(4, '0')), '')
    const proxy = await bed.proxy()
    const other = await AgentClient.open(await bed.kernel('python3', {proxy}), {home: bed.home})
    const names: string[] = []
    let cuts = 0
    await new RemoteFiles(other).list('cut', (entries: FoundEntry[]) => {
      names.push(...entries.map(({path}) => path))
      if (names.length > (cuts + 1) * 1500 && cuts < 2) {
        cuts++
        proxy.rstAll()
      }
    })
    assert.deepEqual([cuts, names.length], [2, 5000])
    assert.deepEqual(names, names.toSorted())
    await other.close()
  })

  it('reads on where it was after a cut, and follows what comes', async () => {
    const data = Buffer.from(Array.from({length: 6_000_000}, (_, i) => (i * 31) % 251))
    writeFileSync(at('big'), data)
    const proxy = await bed.proxy()
    const other = new RemoteFiles(await AgentClient.open(await bed.kernel('python3', {proxy}), {home: bed.home}))
    const pieces: Buffer[] = []
    let cut = false
    await other.read('big', {window: 1 << 20, onData: (piece) => {
      pieces.push(Buffer.from(piece))
      if (!cut) proxy.rstAll()
      cut = true
    }})
    assert.ok(Buffer.concat(pieces).equals(data))
    writeFileSync(at('log'), 'one\n')
    let text = ''
    await other.read('log', {follow: true, from: {lines: 1}, onData: (piece) => {
      text += Buffer.from(piece).toString()
      if (text === 'one\n') {
        proxy.rstAll()
        appendFileSync(at('log'), 'two\n')
      }
      return text === 'one\ntwo\n' ? false : undefined
    }})
    await assert.rejects(other.read('nothing', {onData: () => undefined}), {code: 'REMOTE_NOT_FOUND'})
  })

  it('tells and takes every name that a disk can hold', async function () {
    if (process.platform !== 'linux') return this.skip() // elsewhere names are text
    const names = fc.sample(fc.uint8Array({minLength: 1, maxLength: 40, min: 1}).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x2f))).filter((name) => name.length > 0 && !['.', '..'].includes(name.toString())), 300)
      .concat(fc.sample(fc.string({unit: 'binary', minLength: 1, maxLength: 40}), 100).map((text) => Buffer.from(text.replaceAll(/[/\0]/g, '_'))).filter((name) => !['.', '..'].includes(name.toString())))
    mkdirSync(at('names'))
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${at('names')}/`), name]), name)
    const found: FoundEntry[] = []
    await files.list('names', (entries) => void found.push(...entries), {all: true})
    const bytes = found.map(({path, raw}) => (raw === undefined ? Buffer.from(path) : Buffer.from(raw, 'base64')).toString('hex'))
    assert.deepEqual(bytes.toSorted(), [...new Set(names.map((name) => name.toString('hex')))].toSorted())
    for (const {path, raw} of await files.expand('names/*').then((all) => all.slice(0, 40))) await files.remove({path, ...(raw === undefined ? {} : {raw})})
    await files.remove('names', {recursive: true})
  })

  it('stops what its signal stops, and what its reader throws at', async () => {
    const stop = new AbortController()
    await assert.rejects(files.list('cut', () => stop.abort(new Error('enough')), {signal: stop.signal}), /enough/)
    await assert.rejects(files.list('cut', () => {
      throw new Error('no room')
    }), /no room/)
    await assert.rejects(files.read('big', {onData: () => Promise.reject(new Error('broken pipe'))}), /broken pipe/)
  })

  it('puts an edited file in place only of what it was made from', async () => {
    writeFileSync(at('f'), 'old')
    const {sha256} = await files.describe('f', {hash: true})
    await agent.upload(Buffer.from('new'), at('.f.new'))
    await files.replace('f', '.f.new', sha256)
    await agent.upload(Buffer.from('newer'), at('.f.new'))
    await assert.rejects(files.replace('f', '.f.new', sha256), {code: 'FILE_CHANGED'})
    assert.deepEqual([readFileSync(at('f'), 'utf8'), existsSync(at('.f.new'))], ['new', false])
  })
})

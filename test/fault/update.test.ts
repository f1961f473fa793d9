import assert from 'node:assert/strict'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {gunzipSync, gzipSync} from 'node:zlib'
import {generateKeys} from '@cgpu/updater'
import {type CliResult, envelope} from '../helpers/cli.ts'
import {commit, type Fault, target, UpdateBed} from '../helpers/update-bed.ts'

const id = (version: string): string => `${version}-${commit.slice(0, 8)}`
const archive = (version: string): string => `versions/${version}/cgpu-${version}-${commit.slice(0, 8)}-${target}-no-node.tar.gz`
const channel = 'channels/stable.json'

const status = (code: number): Fault => (_, response) => void response.writeHead(code, {'retry-after': '0'}).end('no')
const body = (change: (bytes: Buffer) => Buffer | string): Fault => (_, response, file) => void response.writeHead(200).end(change(readFileSync(file)))
const silent: Fault = () => undefined
/** The connection ends in the middle, each time. */
const brokenOff: Fault = (_, response, file) => {
  const bytes = readFileSync(file)
  response.writeHead(200, {'content-length': bytes.length})
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
}

describe('an update that goes wrong', function () {
  this.timeout(120_000)
  let bed: UpdateBed
  before(async () => {
    bed = await UpdateBed.start()
    const first = bed.pack('0.1.0', {whole: true})
    bed.pack('0.2.0')
    bed.pack('0.0.9')
    bed.release('0.1.0')
    bed.release('0.0.9')
    bed.release('0.2.0', 'stable')
    await bed.unpack(first)
  })
  after(() => bed.stop())
  beforeEach(() => bed.reset('0.1.0'))
  afterEach(async () => {
    // whatever happened: the old version works, and no half of the new one is to be seen
    assert.equal(await bed.version(), '0.1.0')
    await rm(join(bed.install, 'versions', id('0.2.0')), {recursive: true, force: true})
    assert.deepEqual(readdirSync(join(bed.install, 'versions')).filter((name) => !name.startsWith('.')), [id('0.1.0')])
  })

  const update = (env: Record<string, string> = {}): Promise<CliResult> => bed.run(['update', '--json'], {env})
  const fails = async (code: string, exit: number, env: Record<string, string> = {}): Promise<void> => {
    const result = await update(env)
    const {ok, error} = envelope(result)
    assert.deepEqual([ok, error.code, result.status], [false, code, exit], result.stdout)
    assert.ok(error.fix)
  }

  const faults: [what: string, path: string, fault: Fault, code: string, exit: number][] = [
    ['a server that fails', channel, status(500), 'UPDATE_SERVER_ERROR', 69],
    ['a server that refuses', channel, status(403), 'UPDATE_SERVER_ERROR', 69],
    ['a channel that is not there', channel, status(404), 'UPDATE_NOT_FOUND', 66],
    ['a page instead of a manifest', channel, body(() => '<html>sign in</html>'), 'UPDATE_MANIFEST_INVALID', 65],
    ['half a manifest', channel, body((bytes) => bytes.subarray(0, 200)), 'UPDATE_MANIFEST_INVALID', 65],
    ['a manifest that breaks off', channel, brokenOff, 'UPDATE_TRUNCATED', 69],
    ['a manifest without a signature', channel, body((bytes) => JSON.stringify({...parsed(bytes), signatures: []})), 'UPDATE_UNSIGNED', 65],
    ['what would be in a manifest, plain', channel, body((bytes) => Buffer.from(String(parsed(bytes)['payload']), 'base64')), 'UPDATE_UNSIGNED', 65],
    ['a manifest that was changed', channel, body((bytes) => JSON.stringify({...parsed(bytes), payload: changed(bytes)})), 'UPDATE_SIGNATURE_INVALID', 65],
    ['the list in place of the channel', channel, (request, response) => void response.end(readFileSync(join(bed.site, 'versions.json'))), 'UPDATE_MANIFEST_INVALID', 65],
    ['an archive that is not there', 'tar.gz', status(404), 'UPDATE_NOT_FOUND', 66],
    ['an archive that fails', 'tar.gz', status(503), 'UPDATE_SERVER_ERROR', 69],
    ['an archive that breaks off', 'tar.gz', brokenOff, 'UPDATE_TRUNCATED', 69],
    ['an archive of which a byte was changed', 'tar.gz', body((bytes) => flipped(bytes)), 'UPDATE_TAMPERED', 65],
    ['an archive of another version', 'tar.gz', body(() => Buffer.concat([readFileSync(join(bed.site, archive('0.0.9'))), Buffer.alloc(1000)])), 'UPDATE_TAMPERED', 65],
  ]
  for (const [what, path, fault, code, exit] of faults) {
    it(`says so of ${what}`, async () => {
      bed.faults.set(path, fault)
      await fails(code, exit)
      assert.ok(!readdirSync(join(bed.install, 'versions')).some((name) => name.startsWith(`.${id('0.2.0')}`)), 'nothing is unpacked before it is checked')
    })
  }

  it('says so of a server that is dead, and of one that is silent', async () => {
    await fails('UPDATE_SERVER_UNREACHABLE', 69, {CGPU_UPDATE_URL: 'http://127.0.0.1:9/'})
    bed.faults.set(channel, silent)
    await fails('UPDATE_SERVER_SLOW', 69, {CGPU_UPDATE_PATIENCE: '0.2'})
    bed.faults.clear()
    bed.faults.set('tar.gz', (_, response, file) => void response.writeHead(200, {'content-length': 10_000_000}).write(readFileSync(file).subarray(0, 1000)))
    await fails('UPDATE_SERVER_SLOW', 69, {CGPU_UPDATE_PATIENCE: '0.2'})
  })

  it('refuses what another key has signed', async () => {
    const mine = await readFile(join(bed.site, channel))
    bed.release('0.2.0', 'stable', {keys: [generateKeys().privateKey]})
    await fails('UPDATE_WRONG_KEY', 65)
    await writeFile(join(bed.site, channel), mine)
  })

  it('refuses an older manifest that is played back, an older version, and one that expired', async () => {
    const old = await readFile(join(bed.site, channel))
    // as somebody between them may, to an installation that has never asked before
    bed.release('0.0.9', 'stable')
    await fails('UPDATE_DOWNGRADE_REFUSED', 65)
    await bed.reset('0.1.0')
    bed.release('0.2.0', 'stable')
    bed.faults.set('tar.gz', status(404)) // the manifest is seen, nothing else happens
    await fails('UPDATE_NOT_FOUND', 66)
    bed.faults.clear()
    bed.faults.set(channel, body(() => old))
    await fails('UPDATE_REPLAYED', 65)
    bed.faults.clear()
    bed.release('0.2.0', 'stable', {now: Date.now() - 400 * 24 * 3600 * 1000})
    await fails('UPDATE_EXPIRED', 65)
    bed.release('0.2.0', 'stable')
  })

  it('refuses an archive that is signed but would write elsewhere', async () => {
    // only who has the key could make it; still nothing is written outside
    const file = join(bed.site, archive('0.2.0'))
    const good = await readFile(file)
    const tar = gunzipSync(good)
    const at = tar.indexOf(`cgpu/versions/${id('0.2.0')}/bin/run.js`)
    tar.fill(0, at, at + 100)
    tar.write(`cgpu/versions/${id('0.2.0')}/../../../evil.js`, at)
    tar.write('        ', at + 148)
    tar.write(`${tar.subarray(at, at + 512).reduce((all, byte) => all + byte, 0).toString(8).padStart(6, '0')}\0 `, at + 148)
    await writeFile(file, gzipSync(tar))
    bed.release('0.2.0', 'stable')
    await fails('UPDATE_ARCHIVE_INVALID', 65)
    await writeFile(file, good)
    bed.release('0.2.0', 'stable')
  })

  it('does not switch to what does not start', async () => {
    const file = join(bed.site, archive('0.2.0'))
    const good = await readFile(file)
    const tar = gunzipSync(good)
    const at = tar.indexOf('#!/usr/bin/env -S node')
    tar.write('nonsense(', at)
    await writeFile(file, gzipSync(tar))
    bed.release('0.2.0', 'stable')
    await fails('UPDATE_BROKEN', 65)
    await writeFile(file, good)
    bed.release('0.2.0', 'stable')
  })

  it('goes on with a download where it stopped', async () => {
    bed.faults.set('tar.gz', brokenOff)
    await fails('UPDATE_TRUNCATED', 69)
    bed.faults.clear()
    bed.requests.length = 0
    const {data} = envelope<{resumed: number; version: string}>(await update())
    // what was on its way when the connection broke may be lost
    assert.ok(data.version === '0.2.0' && data.resumed > 0, `resumed ${data.resumed}`)
    assert.equal(bed.requests.find(({path}) => path.endsWith('tar.gz'))?.range, `bytes=${data.resumed}-`)
    await bed.reset('0.1.0')
  })

  it('begins again where what is there is of something else', async () => {
    const sha256 = releaseOf(bed).builds[`${target}-no-node`]!.sha256
    await mkdir(join(bed.install, 'downloads'), {recursive: true})
    await writeFile(join(bed.install, 'downloads', `${sha256}.part`), 'rubbish')
    assert.equal((await update()).status, 0)
    await bed.reset('0.1.0')
  })

  it('lets one at a time change the versions', async () => {
    const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    bed.faults.set('tar.gz', (_, response, file) => {
      asked.resolve()
      void go.promise.then(() => response.writeHead(200).end(readFileSync(file)))
    })
    const first = update()
    await asked.promise
    const second = await update()
    assert.deepEqual([second.status, envelope(second).error.code], [72, 'UPDATE_RUNNING'])
    go.resolve()
    assert.equal((await first).status, 0)
    await bed.reset('0.1.0')
  })

  it('says so where it cannot write', async () => {
    await writeFile(join(bed.install, 'downloads'), 'in the way')
    await fails('CANNOT_WRITE', 73)
  })

  it('leaves a version that works, whenever it is killed', async () => {
    bed.pace = 20
    const versions = join(bed.install, 'versions')
    const seen = new Set<string>()
    const started = performance.now()
    assert.equal((await update()).status, 0)
    const whole = performance.now() - started
    for (let round = 0; round < 6; round++) {
      await writeFile(join(bed.install, 'current'), `${id('0.1.0')}\n`)
      await rm(join(versions, id('0.2.0')), {recursive: true, force: true})
      const killed = await bed.run(['update', '--json'], {killAfter: Math.random() * whole})
      const version = await bed.version()
      assert.ok(['0.1.0', '0.2.0'].includes(version), `round ${round}: ${version}`)
      seen.add(`${killed.signal ?? 'done'} ${version}`)
    }
    await writeFile(join(bed.install, 'current'), `${id('0.1.0')}\n`)
    assert.equal((await update()).status, 0, [...seen].join(', '))
    assert.equal(await bed.version(), '0.2.0')
    assert.deepEqual(readdirSync(versions).sort(), [id('0.1.0'), id('0.2.0')], 'what was killed is swept')
    assert.ok(!existsSync(join(bed.install, 'downloads')))
    await bed.reset('0.1.0')
  })
})

const parsed = (bytes: Buffer): Record<string, unknown> => JSON.parse(bytes.toString('utf8')) as Record<string, unknown> // of our own script

/** A higher version, with the same signature. */
function changed(bytes: Buffer): string {
  const text = Buffer.from(String(parsed(bytes)['payload']), 'base64').toString('utf8')
  return Buffer.from(text.replaceAll('0.2.0', '0.2.1')).toString('base64')
}

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length >> 1]! ^= 1
  return bytes
}

function releaseOf(bed: UpdateBed): {builds: Record<string, {sha256: string}>} {
  const {payload} = parsed(readFileSync(join(bed.site, 'versions/0.2.0/buildmanifest.json')))
  return JSON.parse(Buffer.from(String(payload), 'base64').toString('utf8')) as ReturnType<typeof releaseOf> // of our own script
}

import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {existsSync, readdirSync} from 'node:fs'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type ObjectStore, startObjectStore} from '../../../../test/helpers/object-store.ts'
import type {Notebook} from '../format/model.ts'
import {readNotebook} from '../format/read.ts'
import {outputPath} from '../run/output-path.ts'
import {isAddress, nameOf, secretsOf, shownAddress} from './address.ts'
import {awsSettings} from './aws-settings.ts'
import {gs} from './gs.ts'
import {handlerOf} from './handlers.ts'
import {fileBehind} from './links.ts'
import {isPrivateAddress} from './private-network.ts'
import {BatchInterrupts} from '../batch/interrupts.ts'
import {RemoteCopy} from './remote-copy.ts'
import {request} from './request.ts'
import {s3} from './s3.ts'
import {signed} from './sigv4.ts'
import {web} from './web.ts'

type Failure = {code: string; exit: number; message: string; fix: string}
const fails = (exit: number, code: string, message = /./) => (error: Failure): boolean => {
  assert.deepEqual([error.exit, error.code], [exit, code], error.message)
  assert.match(error.message, message)
  return true
}
const signal = new AbortController().signal
const options = {signal, maxBytes: 1_000_000}
const text = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
/** A command for which a plugin has this scheme. */
const hostOf = (scheme: object) => ({config: {runHook: async () => ({successes: [{plugin: {name: 'cgpu-lake', pjson: {cgpu: {contract: 1}}, root: '/'}, result: scheme}], failures: []})}, warn: () => undefined}) as never // what it has of it

describe('addresses of notebooks', () => {
  it('are told from paths, and shown without their secrets', () => {
    const cases: [text: string, address: boolean][] = [
      ['https://x/y.ipynb', true], ['s3://b/k', true], ['drive:abc', true], ['HTTP://x', true], ['C:\\x.ipynb', false], ['c://x', false], ['a.ipynb', false], ['./s3://b/k', false], ['a:b.ipynb', false], ['-', false],
    ]
    for (const [one, address] of cases) assert.equal(isAddress(one), address, one)
    assert.equal(shownAddress('https://me:pw@h/a.ipynb?sig=1#x'), 'https://h/a.ipynb')
    assert.deepEqual(secretsOf('https://me:pw@h/a.ipynb?sig=1#x'), ['me:pw', 'sig=1'])
    for (const [address, name] of [['https://h/a%20b.ipynb?x', 'a b.ipynb'], ['s3://b/d/k.ipynb', 'k.ipynb'], ['https://h/..', 'notebook.ipynb'], ['https://h/%2e%2e%2fetc', 'etc'], ['drive:abc', 'abc'], ['https://h/%', '%'], ['https://h/a%0A%3F.ipynb', 'a__.ipynb']] as const) {
      assert.equal(nameOf(address), name, address)
    }
    assert.equal(outputPath('https://h/dir/a.ipynb?sig=1', {}), 'a.out.ipynb')
    assert.deepEqual(['out/', '.', 's3://b/out/', '-'].map((out) => outputPath('d/a.ipynb', {out})), [join('out', 'a.ipynb'), 'a.ipynb', 's3://b/out/', '-'])
    assert.throws(() => outputPath('a.ipynb', {out: '.'}), {exit: 64})
    assert.equal(outputPath('s3://b/a.ipynb', {inplace: true}), 's3://b/a.ipynb')
  })

  it('of pages are those of the files behind them', () => {
    const sha = '0123456789abcdef0123456789abcdef01234567'
    const cases: [page: string, file: string][] = [
      ['https://github.com/o/r/blob/main/a/b.ipynb', 'https://raw.githubusercontent.com/o/r/main/a/b.ipynb'],
      ['https://github.com/o/r/raw/v1/b%20c.ipynb?raw=true', 'https://raw.githubusercontent.com/o/r/v1/b%20c.ipynb'],
      ['https://colab.research.google.com/github/o/r/blob/main/b.ipynb', 'https://raw.githubusercontent.com/o/r/main/b.ipynb'],
      ['https://colab.research.google.com/drive/1AbC_d-9?usp=sharing', 'drive:1AbC_d-9'],
      ['https://nbviewer.org/github/o/r/blob/main/b.ipynb', 'https://raw.githubusercontent.com/o/r/main/b.ipynb'],
      ['https://nbviewer.org/urls/h.example/b.ipynb?x=1', 'https://h.example/b.ipynb?x=1'], ['https://nbviewer.org/url/h.example/b.ipynb', 'http://h.example/b.ipynb'],
      ['https://gitlab.example.com/g/s/r/-/blob/main/b.ipynb', 'https://gitlab.example.com/g/s/r/-/raw/main/b.ipynb'],
      [`https://gist.github.com/me/${sha}`, `https://gist.githubusercontent.com/me/${sha}/raw`], [`https://nbviewer.org/gist/me/${sha}/${sha}`, `https://gist.githubusercontent.com/me/${sha}/raw/${sha}`],
      ['https://github.com/o/r', 'https://github.com/o/r'], ['https://example.com/o/r/blob/main/x', 'https://example.com/o/r/blob/main/x'], ['s3://github.com/o/r/blob/main/x', 's3://github.com/o/r/blob/main/x'],
    ]
    for (const [page, file] of cases) assert.equal(fileBehind(page), file, page)
  })

  it('in private networks are known', () => {
    for (const one of ['127.0.0.1', '10.1.2.3', '169.254.169.254', '172.31.0.1', '192.168.1.1', '100.100.0.1', '::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1', '0.0.0.0']) assert.ok(isPrivateAddress(one), one)
    for (const one of ['8.8.8.8', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8']) assert.ok(!isPrivateAddress(one), one)
  })

  it('of S3 are signed as AWS documents it', () => {
    // the examples of "Signature Calculations for the Authorization Header"
    const keys = {accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'}
    const sha256 = createHash('sha256').digest('hex')
    const shared = {sha256, region: 'us-east-1', keys, now: new Date('2013-05-24T00:00:00Z')}
    const of = (headers: Record<string, string>): string | undefined => /Signature=(\w+)$/.exec(headers['Authorization'] ?? '')?.[1]
    assert.equal(of(signed({...shared, method: 'GET', url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'), headers: {range: 'bytes=0-9'}})), 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
    assert.equal(of(signed({...shared, method: 'GET', url: new URL('https://examplebucket.s3.amazonaws.com/?lifecycle')})), 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543')
    assert.equal(of(signed({...shared, method: 'GET', url: new URL('https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J')})), '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7')
    const put = signed({...shared, method: 'PUT', url: new URL('https://examplebucket.s3.amazonaws.com/test%24file.text'), sha256: createHash('sha256').update('Welcome to Amazon S3.').digest('hex'), headers: {date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY'}})
    assert.equal(of(put), '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
  })
})

describe('files at addresses', () => {
  let store: ObjectStore
  let home: string
  const before_ = {...process.env}
  before(async () => {
    store = await startObjectStore()
    home = await mkdtemp(join(tmpdir(), 'cgpu-addresses-'))
    for (const name of Object.keys(process.env)) if (/^(AWS_|CLOUDSDK_|GOOGLE_|STORAGE_)/.test(name)) delete process.env[name]
    Object.assign(process.env, {
      HOME: home, PATH: home, AWS_ENDPOINT_URL_S3: `${store.url}/s3/`, AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 'secret', CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${store.url}/storage/v1/`, CLOUDSDK_AUTH_ACCESS_TOKEN: 'token-of-gs',
    })
  })
  after(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before_)) delete process.env[name]
    Object.assign(process.env, before_)
    await store.close()
    await rm(home, {recursive: true, force: true})
  })
  afterEach(() => {
    store.objects.clear()
    store.next.length = 0
    store.asked.length = 0
  })

  for (const {kind, files, name} of [{kind: 'web', files: web, name: 'web/a b.ipynb'}, {kind: 's3', files: s3, name: "s3/bucket/dir/a (1)'+é.ipynb"}, {kind: 'gs', files: gs, name: 'gs/bucket/dir/a b.ipynb'}]) {
    const address = () => (kind === 'web' ? `${store.url}/${encodeURI(name)}` : `${kind}://${name.slice(3)}`)

    it(`${kind}: are read, looked at, and replaced only while they are what they were`, async () => {
      const {read, look, write} = files
      assert.ok(read && look && write)
      await assert.rejects(read(address(), options), fails(66, 'NOTEBOOK_NOT_FOUND', /there is no such file/))
      assert.equal(await look(address(), {signal}), null)
      const first = await write(address(), new Blob(['one']), {signal, replaces: null})
      assert.equal(store.text(name), 'one')
      await assert.rejects(write(address(), new Blob(['other']), {signal, replaces: null}), fails(72, 'COPY_CHANGED'))
      assert.equal(await look(address(), {signal}), first)
      const second = await write(address(), new Blob(['two']), {signal, replaces: first})
      const {data, version} = await read(address(), options)
      assert.deepEqual([new TextDecoder().decode(data), version], ['two', second])
      await assert.rejects(write(address(), new Blob(['late']), {signal, replaces: first}), fails(72, 'COPY_CHANGED'))
      await write(address(), new Blob(['any']), {signal, replaces: undefined})
      assert.equal(store.text(name), 'any')
      await assert.rejects(read(address(), {signal, maxBytes: 2}), fails(65, 'NOTEBOOK_INVALID', /more than/))
    })

    it(`${kind}: a write whose answer got lost is not taken for somebody else's`, async () => {
      store.next.push({path: kind === 'gs' ? /^\/upload/ : /./, cut: true})
      assert.equal(await files.write?.(address(), new Blob(['mine']), {signal, replaces: null}), await files.look?.(address(), {signal}))
      assert.equal(store.text(name), 'mine')
    })
  }

  it('that may not be written are found out without writing', async () => {
    await assert.rejects(async () => s3.look?.('s3://none/a.ipynb', {signal}), fails(73, 'CANNOT_WRITE', /404, The specified bucket does not exist/))
    await assert.rejects(async () => gs.look?.('gs://none/a.ipynb', {signal}), fails(73, 'CANNOT_WRITE', /bucket does not exist/))
    await assert.rejects(async () => gs.look?.('gs://readonly/a.ipynb', {signal}), fails(67, 'ADDRESS_REFUSED', /may not write there/))
    store.let.s3 = 'nobody'
    await assert.rejects(async () => s3.look?.('s3://bucket/a.ipynb', {signal}), fails(67, 'ADDRESS_REFUSED', /403, Access "Denied"/))
    store.let.s3 = 'AWS4-HMAC-SHA256 Credential=AKIDTEST/'
    await assert.rejects(async () => web.write?.(`${store.url}/nowhere`, new Blob(['x']), {signal}), fails(67, 'ADDRESS_REFUSED'))
    for (const [files, address] of [[s3, 's3://bucket'], [s3, 's3://bucket/dir/'], [gs, 'gs:///x'], [web, 'https://']] as const) await assert.rejects(async () => files.read?.(address, options), fails(64, 'INVALID_ADDRESS'), address)
  })

  it('of S3 are asked for in the region of their bucket', async () => {
    store.put('s3/bucket/a', 'there')
    store.next.push({path: /a$/, status: 301, headers: {'x-amz-bucket-region': 'eu-west-3'}})
    assert.equal(new TextDecoder().decode((await s3.read?.('s3://bucket/a', options))?.data), 'there')
    assert.deepEqual(store.asked.map(({headers}) => /\/([a-z0-9-]+)\/s3\//.exec(headers.authorization ?? '')?.[1]), ['us-east-1', 'eu-west-3'])
  })

  it('are reached with the keys of AWS\'s files and programs, where the environment has none', async () => {
    await writeFile(join(home, 'credentials'), '[default]\naws_access_key_id = A\naws_secret_access_key=B\n[work]\naws_access_key_id = C\naws_secret_access_key = D/+=\naws_session_token = E\n')
    await writeFile(join(home, 'config'), '[default]\nregion = r1\n[profile  work]\nregion=r2\nendpoint_url = http://h\ns3 =\n  region = nested\n')
    const env = {AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'), AWS_CONFIG_FILE: join(home, 'config')}
    assert.deepEqual(await awsSettings(env), {keys: {accessKeyId: 'A', secretAccessKey: 'B'}, region: 'r1', endpoint: undefined})
    assert.deepEqual(await awsSettings({...env, AWS_PROFILE: 'work'}), {keys: {accessKeyId: 'C', secretAccessKey: 'D/+=', sessionToken: 'E'}, region: 'r2', endpoint: 'http://h'})
    assert.deepEqual(await awsSettings({...env, AWS_ACCESS_KEY_ID: 'X', AWS_SECRET_ACCESS_KEY: 'Y', AWS_REGION: 'r3'}), {keys: {accessKeyId: 'X', secretAccessKey: 'Y'}, region: 'r3', endpoint: undefined})
  })

  it('come over redirects, without what lets somebody in to another host, and within limits', async () => {
    const other = await startObjectStore()
    try {
      other.put('web/a', 'from there')
      store.next.push({path: /from/, status: 302, headers: {location: `${other.url}/web/a`}})
      assert.equal(new TextDecoder().decode((await web.read?.(`${store.url.replace('//', '//me:pw@')}/web/from`, options))?.data), 'from there')
      assert.deepEqual([store.asked[0]?.headers.authorization, other.asked[0]?.headers.authorization], [`Basic ${Buffer.from('me:pw').toString('base64')}`, undefined])
    } finally {
      await other.close()
    }
    store.next.push(...Array.from({length: 10}, () => ({path: /round/, status: 302, headers: {location: '/web/round'}})))
    await assert.rejects(async () => web.read?.(`${store.url}/web/round`, options), fails(75, 'REDIRECT_REFUSED', /again and again/))
    store.next.push({path: /file/, status: 301, headers: {location: 'file:///etc/passwd'}})
    await assert.rejects(async () => web.read?.(`${store.url}/web/file`, options), fails(75, 'REDIRECT_REFUSED', /no web address/))
  })

  it('are asked for again where a server fails for a moment, and given up in the end', async () => {
    store.put('web/a', 'at last')
    store.next.push({path: /a$/, status: 503}, {path: /a$/, cut: true})
    const ask = {address: 'x://y', url: `${store.url}/web/a`, maxBytes: 100, signal, firstPauseMs: 1}
    assert.deepEqual(await request(ask).then(({status, tries}) => [status, tries]), [200, 3])
    store.next.push(...Array.from({length: 4}, () => ({path: /a$/, status: 500})))
    assert.equal((await request(ask)).status, 500)
    await store.close()
    await assert.rejects(request(ask), fails(69, 'ADDRESS_UNREACHABLE', /^x:\/\/y cannot be reached: .*ECONNREFUSED/))
    store = await startObjectStore()
    Object.assign(process.env, {AWS_ENDPOINT_URL_S3: `${store.url}/s3/`, CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${store.url}/storage/v1/`})
  })

  it('that stop coming are given up', async () => {
    const {createServer} = await import('node:http')
    const silent = createServer((_, response) => void response.writeHead(200, {'content-length': 10}).write('x'))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const {port} = silent.address() as {port: number} // it listens on a port
    try {
      await assert.rejects(request({address: 'x://y', url: `http://127.0.0.1:${port}`, maxBytes: 100, signal, firstPauseMs: 1, stallMs: 20}), fails(69, 'ADDRESS_UNREACHABLE', /nothing came for 0.02 s/))
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  it('are notebooks; web pages are none', async () => {
    store.put('web/a.ipynb', text)
    assert.deepEqual((await readNotebook(`${store.url}/web/a.ipynb?sig=1`)).cells, [])
    store.put('web/page', '\n<!DOCTYPE html><html>')
    await assert.rejects(readNotebook(`${store.url}/web/page?sig=1`), fails(65, 'NOTEBOOK_NOT_JSON', /\/web\/page is a web page, not a notebook$/))
    await assert.rejects(readNotebook('ftp://h/a.ipynb'), fails(64, 'UNKNOWN_SCHEME', /ftp:\/\/h/))
    await assert.rejects(readNotebook('gz://b/a.ipynb'), (error: Failure) => error.fix === 'did you mean gs:?')
  })

  it('of a plugin\'s scheme are its own affair, or read as machines fetch them', async () => {
    store.put('web/lake', 'by plan')
    const planned = await handlerOf('lake://a', hostOf({scheme: 'lake', resolve: () => ({ways: [{argv: ['x'], fix: 'x'}, {url: `${store.url}/web/lake`, headers: {'x-from': 'plugin'}}]})}))
    assert.equal(new TextDecoder().decode((await planned.read?.('lake://a', options))?.data), 'by plan')
    assert.deepEqual([planned.write, store.asked[0]?.headers['x-from']], [undefined, 'plugin'])
    const own = await handlerOf('lake://a', hostOf({scheme: 'lake', resolve: () => ({ways: []}), read: async () => ({data: new TextEncoder().encode('own')}), write: () => Promise.reject(new Error('it is frozen'))}))
    assert.equal(new TextDecoder().decode((await own.read?.('lake://a', options))?.data), 'own')
    await assert.rejects(async () => own.write?.('lake://a?s=1', new Blob(['x']), {signal}), fails(69, 'ADDRESS_UNREACHABLE', /^lake:\/\/a: it is frozen$/))
  })

  describe('as the place of an executed copy', () => {
    const notebook: Notebook = {cells: [{cell_type: 'markdown', id: 'a', source: 'one', metadata: {}}], metadata: {}, nbformat: 4, nbformat_minor: 5}
    const open = (everyMs = 3_600_000) => RemoteCopy.open({address: 's3://bucket/copy.ipynb', everyMs, host: {config: {runHook: () => assert.fail('no plugin is asked')}, warn: () => undefined}})

    it('get it at the end, and nothing where nothing was executed', async () => {
      const idle = await (await open()).saver(notebook)
      await idle.finish()
      assert.equal(store.objects.size, 0)
      const saver = await (await open()).saver(notebook)
      saver.changed('cell')
      await saver.finish()
      await saver.finish()
      assert.match(store.text('s3/bucket/copy.ipynb') ?? '', /"source": \[\n? *"one"/)
      assert.equal(store.asked.filter(({method}) => method === 'PUT').length, 1)
    })

    it('get it while it runs too', async () => {
      const saver = await (await open(1)).saver(notebook)
      while (!store.objects.has('s3/bucket/copy.ipynb')) {
        saver.changed('cell')
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      notebook.cells[0]!.source = 'two'
      saver.changed('cell')
      await saver.finish()
      assert.match(store.text('s3/bucket/copy.ipynb') ?? '', /"two"/)
    })

    it('get the last state also where that comes as an earlier one is taken up', async () => {
      const temp = await mkdtemp(join(home, 'temp-'))
      const former = process.env['TMPDIR']
      process.env['TMPDIR'] = temp
      try {
        let last = ''
        const lake = {scheme: 'lake', resolve: () => ({ways: []}), write: async (_: string, data: Blob) => void (last = await data.text())}
        for (let round = 0; round < 5; round++) {
          const saver = await (await RemoteCopy.open({address: 'lake://copy.ipynb', everyMs: 1, host: hostOf(lake)})).saver(notebook)
          const taken = join(temp, readdirSync(temp)[0] ?? '', '.uploading')
          notebook.cells[0]!.source = 'earlier'
          // looked for while nothing else goes on: who takes it up does not know yet that it is there
          for (; !existsSync(taken); await new Promise((resolve) => setImmediate(resolve))) {
            saver.changed('cell')
            for (const end = performance.now() + 2; performance.now() < end && !existsSync(taken););
          }
          notebook.cells[0]!.source = 'last'
          saver.changed('cell')
          await saver.finish()
          assert.match(last, /"last"/)
        }
      } finally {
        if (former === undefined) delete process.env['TMPDIR']
        else process.env['TMPDIR'] = former
      }
    })

    for (const kind of ['one run', 'a batch']) it(`are not waited for after a signal to ${kind}; the copy is kept here`, async () => {
      const batch = kind === 'a batch' ? new BatchInterrupts(() => {}) : undefined
      const {promise: asked, resolve: seen} = Promise.withResolvers<void>()
      const lake = {scheme: 'lake', resolve: () => ({ways: []}), write: (_: string, __: Blob, {signal: gone}: {signal: AbortSignal}) => new Promise((_resolve, reject) => {
        gone.addEventListener('abort', () => reject(gone.reason as Error))
        seen()
      })}
      const saver = await (await RemoteCopy.open({address: 'lake://copy.ipynb', host: hostOf(lake), onGiveUp: batch?.onLeave})).saver(notebook)
      saver.changed('cell')
      const end = saver.finish()
      await asked
      process.emit('SIGHUP')
      batch?.dispose()
      let kept = ''
      await assert.rejects(end, (error: Failure) => {
        kept = error.fix.replace('the executed copy is kept here: ', '')
        return fails(130, 'INTERRUPTED')(error)
      })
      await rm(join(kept, '..'), {recursive: true})
    })

    it('are left alone where somebody else wrote there meanwhile; the copy is kept here', async () => {
      const saver = await (await open()).saver(notebook)
      store.put('s3/bucket/copy.ipynb', 'theirs')
      saver.changed('cell')
      let kept = ''
      await assert.rejects(saver.finish(), (error: Failure) => {
        kept = error.fix.replace('the executed copy is kept here: ', '')
        return fails(72, 'COPY_CHANGED')(error)
      })
      assert.equal(store.text('s3/bucket/copy.ipynb'), 'theirs')
      assert.equal((await readNotebook(kept)).cells.length, 1)
      await rm(join(kept, '..'), {recursive: true})
    })
  })
})

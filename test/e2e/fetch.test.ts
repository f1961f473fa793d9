import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {startCgpu} from '../helpers/cli.ts'
import {type FileSite, startFileSite} from '../helpers/file-site.ts'
import {freePort} from '../helpers/jupyter-server.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {assertRefused, jupyterThere, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface Fetched {
  from: string
  to: string
  size: number
  sha256: string
  resumed: number
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const secret = 'hunter2-is-a-secret'

describe('cgpu cp of an address', function () {
  this.timeout(60_000)
  let bench: Workbench
  let site: FileSite
  let root: string
  const data = randomBytes(3_000_000)
  const fetchIt = (...args: string[]): Promise<Fetched> => bench.data<Fetched>(['cp', ...args])
  const parts = (): string[] => readdirSync(root).filter((name) => name.endsWith('.part'))
  /** everything that cgpu keeps here, and the agent there */
  const kept = (folder: string): string => readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter((one) => one.isFile() && !one.name.endsWith('.py')).map((one) => readFileSync(join(one.parentPath, one.name), 'latin1')).join('\n')

  before(async () => {
    bench = await workbench()
    // one of its own, to come back at: those that systems give to whoever asks for any may be taken meanwhile
    site = await startFileSite(data, await freePort())
    bench.onRemove(() => site.close())
    const agentHome = join(bench.home.path, 'agent')
    const server = await jupyterThere(bench, {env: {CGPU_AGENT_HOME: agentHome, PATH: `${join(bench.home.path, 'tools')}:${process.env['PATH'] ?? ''}`}})
    root = server.root
    await mkdir(join(bench.home.path, 'tools'))
  })
  after(() => bench.remove())
  afterEach(() => {
    Object.assign(site, {data, etag: '"one"', cuts: [], answers: {}})
    site.hold?.release()
    site.asked.length = 0
  })

  it('is fetched by the machine, over cuts, whole or not at all', async () => {
    site.cuts = [1_000_000, 500_000]
    const fetched = await fetchIt(`${site.url}/sets/data.bin?sig=${secret}`, 'there:')
    assert.deepEqual(fetched, {from: `${site.url}/sets/data.bin`, to: `there:${join(root, 'data.bin')}`, size: data.length, sha256: sha256(data), resumed: 0})
    const {outputSchemas} = await import('@cgpu/core/schema/zod')
    ;(await outputSchemas()).fetched.parse(fetched)
    assert.ok(readFileSync(join(root, 'data.bin')).equals(data))
    assert.deepEqual(site.asked.map(({headers}) => headers.range), [undefined, 'bytes=1000000-', 'bytes=1500000-'])
    assert.deepEqual(parts(), [])
    const told = await bench.cli(['cp', `${site.url}/data.bin`, 'there:box/other.bin'])
    assert.match(told.stderr, new RegExp(`there:.*/box/other\\.bin \\(2\\.9 MiB, sha256 ${sha256(data)}\\)`))
    assert.equal(told.stdout, '')
  })

  it('begins anew when the file changed between two pieces', async () => {
    site.holdAfter(1_000_000)
    const running = fetchIt(`${site.url}/x`, 'there:changed')
    await until(() => parts().length > 0, () => 'nothing came')
    Object.assign(site, {data: Buffer.from('new'), etag: '"two"'})
    await site.close()
    site = await restarted(site)
    const {size} = await running
    assert.deepEqual([size, readFileSync(join(root, 'changed'), 'utf8')], [3, 'new'])
  })

  it('goes on when its client is killed, and the next one gets its end', async () => {
    site.holdAfter(1_000_000)
    const child = startCgpu(['cp', `${site.url}/long`, 'there:long'], {home: bench.home})
    await until(() => parts().length > 0, () => 'nothing came')
    child.kill('SIGKILL')
    const again = bench.cli(['cp', '-v', `${site.url}/long`, 'there:long'])
    await new Promise<void>((resolve) => child.once('close', () => resolve()))
    // the second client is attached when the file comes to its end, or finds it there
    await until(() => site.asked.length === 1, () => 'it was asked for twice')
    site.hold?.release()
    const {status, stderr} = await again
    assert.equal(status, 0, stderr)
    assert.match(stderr, /it is being fetched already|it was fetched meanwhile/)
    assert.equal(site.asked.length, 1)
    assert.ok(readFileSync(join(root, 'long')).equals(data))
  })

  it('stops at Ctrl-C, and the next time goes on with what came', async () => {
    site.holdAfter(2_000_000)
    const child = startCgpu(['cp', `${site.url}/stopped`, 'there:stopped'], {home: bench.home})
    let err = ''
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const size = (): number => parts().reduce((sum, name) => sum + readFileSync(join(root, name)).length, 0)
    await until(() => size() >= 2_000_000, () => `${size()} came: ${err}`)
    child.kill('SIGINT')
    const [status] = await new Promise<[number | null]>((resolve) => child.once('close', (code) => resolve([code])))
    assert.equal(status, 130, err)
    assert.match(err, /stopped; what came so far is kept/)
    assert.equal(existsSync(join(root, 'stopped')), false)
    site.hold?.release()
    assert.equal((await fetchIt(`${site.url}/stopped`, 'there:stopped')).resumed, 2_000_000)
    assert.deepEqual([site.asked.at(-1)?.headers.range, parts()], ['bytes=2000000-', []])
  })

  it('tells no header, password or signature to anybody but the server', async () => {
    await bench.file('headers', `Authorization: Bearer ${secret}\nX-Two: 2\n`)
    site.answers['/no'] = {status: 403}
    const failing = await bench.cli(['cp', '-v', '--header', '@headers', `${site.url.replace('//', `//me:${secret}@`)}/no?sig=${secret}`, 'there:no'])
    assert.equal(failing.status, 67, failing.stderr)
    assert.deepEqual([site.asked[0]?.headers['x-two'], site.asked[0]?.headers.authorization], ['2', `Bearer ${secret}`])
    await fetchIt('--header', `X-Token: ${secret}`, `${site.url}/yes`, 'there:yes')
    for (const text of [failing.stderr, failing.stdout, kept(bench.home.dataDir), kept(join(bench.home.path, 'agent'))]) assert.ok(!text.includes(secret), text.slice(0, 2000))
  })

  it('fetches by a program of the machine what is not public', async () => {
    const gcloud = await bench.file('../tools/gcloud', '#!/bin/sh\n[ "$1 $2 $3" = "storage cp gs://no-such-bucket-of-cgpu-tests/a.csv" ] && echo from gcloud > "$4"\n', 0o755)
    assert.ok(existsSync(gcloud))
    const result = await bench.cli(['cp', '--json', 'tool://a.csv', 'there:'])
    assertUsage(result.stdout, 'UNKNOWN_SCHEME')
    await linkPlugin(bench.home, [{name: 'cgpu-tool', hooks: {'scheme:register': `return {scheme: 'tool', resolve: (address) => ({name: 'a.csv', ways: [
      {url: '${site.url}/private', headers: {'X-From': 'plugin'}},
      {argv: ['no-such-program-at-all', address], fix: 'install it'},
      {argv: ['gcloud', 'storage', 'cp', address.replace('tool://', 'gs://no-such-bucket-of-cgpu-tests/'), '{out}'], fix: 'install gcloud'},
    ]})}`}}])
    site.answers['/private'] = {status: 403}
    const fetched = await fetchIt('tool://a.csv', 'there:')
    assert.deepEqual([fetched.to, readFileSync(join(root, 'a.csv'), 'utf8'), site.asked[0]?.headers['x-from']], [`there:${join(root, 'a.csv')}`, 'from gcloud\n', 'plugin'])
    await linkPlugin(bench.home, [{name: 'cgpu-none', hooks: {'scheme:register': `return {scheme: 'tool', resolve: () => ({ways: [{url: '${site.url}/private'}, {argv: ['no-such-program-at-all'], fix: 'pip install it'}]})}`}}])
    const missing = await bench.cli(['cp', 'tool://b.csv', 'there:b.csv'])
    assertRefused(missing, 67)
    assert.match(missing.stderr, /403.*no-such-program-at-all is not on this machine\nfix: pip install it/s)
    await linkPlugin(bench.home, ['cgpu-one', 'cgpu-two'].map((name) => ({name, hooks: {'scheme:register': "return {scheme: 'tool', resolve: () => ({ways: []})}"}})))
    const clash = await bench.cli(['cp', 'tool://b.csv', 'there:b.csv'])
    assertRefused(clash, 72)
    assert.match(clash.stderr, /cgpu-one and cgpu-two both bring a scheme "tool"/)
    await linkPlugin(bench.home, [{name: 'cgpu-empty', hooks: {'scheme:register': "return {scheme: 'tool', resolve: () => ({ways: []})}"}}])
    assertRefused(await bench.cli(['cp', 'tool://b.csv', 'there:b.csv']), 64)
    await linkPlugin(bench.home, [])
  })

  it('refuses what cannot be, and leaves nothing of it', async () => {
    Object.assign(site.answers, {
      '/inside': {status: 302, headers: {location: 'http://127.0.0.2:1/'}}, '/metadata': {status: 302, headers: {location: 'http://169.254.169.254/latest/'}}, '/loop': {status: 302, headers: {location: '/loop'}},
      '/gone': {status: 404}, '/bad': {status: 400},
    })
    await mkdir(join(root, 'folder/data.bin'), {recursive: true})
    const cases: [args: string[], status: number][] = [
      [[`${site.url}/inside`, 'there:x'], 75], [[`${site.url}/metadata`, 'there:x'], 75], [[`${site.url}/loop`, 'there:x'], 75], [[`${site.url}/gone`, 'there:x'], 66], [[`${site.url}/bad`, 'there:x'], 69],
      [[`${site.url}/`, 'there:'], 64], [[`${site.url}/data.bin`, 'there:folder'], 64], [['https://', 'there:x'], 64], [['gs://bucket', 'there:x'], 64], [['file:///etc/passwd', 'there:x'], 64],
      [[`${site.url}/x`, 'local'], 64], [[`${site.url}/x`, 'nobody:x'], 66], [['--header', 'no header', `${site.url}/x`, 'there:x'], 64], [['--header', '@nowhere', `${site.url}/x`, 'there:x'], 66],
    ]
    for (let from = 0; from < cases.length; from += 3) {
      await Promise.all(cases.slice(from, from + 3).map(async ([args, status]) => assertRefused(await bench.cli(['cp', ...args]), status, args.join(' '))))
    }
    assert.ok(!existsSync(join(root, 'x')))
    assert.deepEqual([parts(), readdirSync(join(root, 'folder'))], [[], ['data.bin']])
  })

  /** Another server at the same address: for whoever fetches, the connection is lost and the file is another one. */
  async function restarted(old: FileSite): Promise<FileSite> {
    const next = await startFileSite(old.data, Number(new URL(old.url).port))
    next.etag = old.etag
    return next
  }
})

function assertUsage(stdout: string, code: string): void {
  const {error} = JSON.parse(stdout) as {error: {code: string}} // our own envelope
  assert.equal(error.code, code)
}

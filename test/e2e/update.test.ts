import assert from 'node:assert/strict'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {mkdir, readFile, rm, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {generateKeys} from '@cgpu/updater'
import type {UpdateResult} from '@cgpu/updater'
import {type CliResult, cgpu, envelope, repoRoot} from '../helpers/cli.ts'
import {examples} from '../helpers/examples.ts'
import {commit, target, UpdateBed} from '../helpers/update-bed.ts'

const id = (version: string): string => `${version}-${commit.slice(0, 8)}`

describe('a packed cgpu', function () {
  this.timeout(120_000)
  let bed: UpdateBed
  before(async () => {
    bed = await UpdateBed.start()
    const first = bed.pack('0.1.0', {whole: true})
    bed.pack('0.2.0', {whole: true})
    bed.pack('0.3.0-beta.1')
    bed.release('0.1.0')
    bed.release('0.2.0', 'stable')
    bed.release('0.3.0-beta.1', 'beta')
    await bed.unpack(first)
  })
  after(() => bed.stop())

  const ok = (result: CliResult): CliResult => {
    assert.equal(result.status, 0, `${result.stdout}${result.stderr}`)
    return result
  }
  const json = async <T>(...args: string[]): Promise<T> => envelope<T>(ok(await bed.run([...args, '--json']))).data

  it('runs from an empty folder', async () => {
    assert.equal(await bed.version(), '0.1.0')
    assert.deepEqual(await json('runtime', 'list'), [])
    assert.match(ok(await bed.run(['--help'])).stdout, /cgpu/)
    const info = await json<{root: string; version: string}>('version')
    assert.deepEqual([info.version, info.root], ['0.1.0', join(bed.install, 'versions', id('0.1.0'))])
  })

  it('lists what can be had and what is installed', async () => {
    const available = await json<{version: string; state: string; channels: string[]}[]>('update', '--available')
    assert.deepEqual(available.map(({version, state, channels}) => [version, state, channels]), [
      ['0.3.0-beta.1', 'available', ['beta']], ['0.2.0', 'available', ['stable']], ['0.1.0', 'current', []],
    ])
    assert.match(ok(await bed.run(['version', 'list'])).stderr, /new ones come from the channel stable/)
    assert.deepEqual((await json<{id: string; state: string}[]>('version', 'list')).map(({id: one, state}) => [one, state]), [[id('0.1.0'), 'current']])
    assert.match((await bed.run(['update', '--available'])).stdout, /0\.2\.0\s+2023-11-14\s+stable\s+available/)
  })

  it('updates itself, and back', async () => {
    const updated = await json<UpdateResult>('update')
    assert.deepEqual(updated, {from: '0.1.0', version: '0.2.0', id: id('0.2.0'), channel: 'stable', changed: true, resumed: 0})
    assert.equal(await bed.version(), '0.2.0')
    assert.deepEqual(await json('runtime', 'list'), [])
    assert.match(ok(await bed.run(['update'])).stdout, /0\.2\.0 is in use already/)
    assert.equal((await json<UpdateResult>('update', '--rollback')).version, '0.1.0')
    assert.equal(await bed.version(), '0.1.0')
    const none = envelope(await bed.run(['update', '--rollback', '--json']))
    assert.deepEqual([none.ok, none.error.code], [false, 'UPDATE_NOT_FOUND'])
    // nothing is left of the way
    assert.deepEqual(readdirSync(join(bed.install, 'versions')).sort(), [id('0.1.0'), id('0.2.0')])
    assert.ok(!existsSync(join(bed.install, 'downloads')))
  })

  it('switches between versions without the network', async () => {
    const requests = bed.requests.length
    assert.match(ok(await bed.run(['version', 'use', '0.2.0'])).stdout, /cgpu 0\.2\.0 is in use; it was 0\.1\.0/)
    assert.equal(envelope(await bed.run(['version', 'remove', '0.2.0', '--json'])).error.code, 'VERSION_IN_USE')
    assert.equal(ok(await bed.run(['version', 'use', id('0.1.0').slice(0, 8)])).status, 0)
    assert.equal(bed.requests.length, requests)
    const missing = await bed.run(['version', 'use', '0.9.0', '--json'])
    assert.deepEqual([missing.status, envelope(missing).error.code], [66, 'UPDATE_NOT_FOUND'])
    assert.match(envelope(missing).error.fix ?? '', /cgpu version install 0\.9\.0/)
  })

  it('installs and removes a version beside the one in use', async () => {
    assert.deepEqual(await json('version', 'install', '0.3.0-beta.1'), {id: id('0.3.0-beta.1'), installed: true})
    assert.deepEqual(await json('version', 'install', '0.3.0-beta.1'), {id: id('0.3.0-beta.1'), installed: false})
    assert.equal(await bed.version(), '0.1.0')
    assert.deepEqual((await json<{id: string}[]>('version', 'remove', '0.3.0-beta.1')).map((one) => one.id), [id('0.3.0-beta.1')])
    assert.ok(!existsSync(join(bed.install, 'versions', id('0.3.0-beta.1'))))
  })

  it('takes another channel, and one version by its number', async () => {
    assert.equal((await json<UpdateResult>('update', 'beta')).version, '0.3.0-beta.1')
    assert.equal(await bed.version(), '0.3.0-beta.1')
    await bed.reset('0.1.0')
    assert.equal((await json<UpdateResult>('update', '--version', '0.2.0')).channel, null)
    assert.equal(await bed.version(), '0.2.0')
    assert.equal((await json<UpdateResult>('update', '--version', '0.1.0')).changed, true)
    const unknown = await bed.run(['update', '--version', '9.9.9', '--json'])
    assert.deepEqual([unknown.status, envelope(unknown).error.code], [66, 'UPDATE_NOT_FOUND'])
    assert.equal((await bed.run(['update', 'sunday'])).status, 64)
    const nightly = await bed.run(['update', 'nightly', '--json'])
    assert.deepEqual([nightly.status, envelope(nightly).error.message], [66, 'the update server has no channel nightly'])
  })

  it('takes a fork\'s server and key from the settings, not from a project', async () => {
    await bed.reset('0.1.0')
    const fork = generateKeys()
    const wrong = await bed.run(['update', '--json'], {env: {CGPU_UPDATE_KEY: fork.publicKey}})
    assert.deepEqual([wrong.status, envelope(wrong).error.code], [65, 'UPDATE_WRONG_KEY'])
    bed.release('0.2.0', 'stable', {keys: [fork.privateKey]})
    assert.equal(ok(await bed.run(['update', '--json'], {env: {CGPU_UPDATE_KEY: fork.publicKey, CGPU_UPDATE_URL: bed.url}})).status, 0)
    bed.release('0.2.0', 'stable')
    await writeFile(join(bed.home.cwd, 'cgpu.yaml'), `update-key: ${fork.publicKey}\n`)
    await mkdir(join(bed.home.cwd, '.git'), {recursive: true})
    const project = await bed.run(['update', '--json'])
    assert.deepEqual([project.status, envelope(project).error.code], [65, 'PROJECT_FILE_INVALID'])
    await rm(join(bed.home.cwd, 'cgpu.yaml'))
    const plain = await bed.run(['update', '--json'], {env: {CGPU_UPDATE_URL: 'http://updates.example.com/'}})
    assert.deepEqual([plain.status, envelope(plain).error.code], [64, 'UPDATE_URL_INVALID'])
  })

  describe('by itself', () => {
    const auto = async (env: Record<string, string> = {}): Promise<string> => {
      ok(await bed.run(['update', '--auto', '--json'], {env: {CGPU_AUTOUPDATE: 'on', ...env}}))
      return bed.version()
    }
    beforeEach(() => bed.reset('0.1.0'))

    it('takes what has reached it, and nothing else', async () => {
      bed.release('0.2.0', 'stable', {rollout: 0})
      assert.equal(await auto(), '0.1.0')
      bed.release('0.2.0', 'stable', {rollout: 100})
      assert.equal(await auto({CGPU_AUTOUPDATE: 'off'}), '0.1.0')
      assert.equal(await auto(), '0.2.0')
      assert.match((await bed.run(['version', 'list'])).stderr, /updated to 0\.2\.0/)
    })

    it('leaves a version that was chosen, and does not return to one that was gone back from', async () => {
      ok(await bed.run(['update']))
      ok(await bed.run(['update', '--rollback']))
      assert.equal(await auto(), '0.1.0')
      ok(await bed.run(['version', 'use', '0.1.0']))
      assert.equal(await auto(), '0.1.0')
      ok(await bed.run(['update']))
      assert.equal(await bed.version(), '0.2.0')
    })

    it('begins after a command, a day after the last time', async () => {
      const looked = join(bed.install, 'looked')
      const on = {env: {CGPU_AUTOUPDATE: 'on', CI: ''}}
      ok(await bed.run(['runtime', 'list'], on))
      assert.ok(existsSync(looked))
      await utimes(looked, new Date(0), new Date(0))
      ok(await bed.run(['runtime', 'list'], {env: {...on.env, CI: '1'}}))
      ok(await bed.run(['runtime', 'list'], {env: {...on.env, CGPU_AUTOUPDATE: 'off'}}))
      assert.deepEqual(bed.requests, [])
      ok(await bed.run(['runtime', 'list'], on))
      while ((await bed.current()) !== id('0.2.0')) await new Promise((resolve) => setTimeout(resolve, 20))
      // and is over, before its folder is changed by others
      while (existsSync(join(bed.install, 'update.lock'))) await new Promise((resolve) => setTimeout(resolve, 20))
    })
  })

  it('says what to type where another program installed it', async () => {
    const clone = await cgpu(['update', '--json'], {home: bed.home})
    assert.deepEqual([clone.status, envelope(clone).error.code, envelope(clone).error.fix], [64, 'UPDATE_MANAGED', 'git pull && npm run build'])
    await bed.reset('0.1.0')
    const note = join(bed.install, 'versions', id('0.1.0'), 'managed-by')
    await writeFile(note, 'sudo apt install --only-upgrade cgpu\n')
    const apt = await bed.run(['update'])
    await rm(note)
    assert.equal(apt.status, 64)
    assert.match(apt.stderr, /installed by your system[^]*fix: sudo apt install --only-upgrade cgpu/)
  })

  it('is the same bytes at each packing, and complete for other systems', async () => {
    const before = await readFile(join(bed.site, `versions/0.3.0-beta.1/cgpu-0.3.0-beta.1-c0ffee00-${target}-no-node.tar.gz`))
    assert.deepEqual(await readFile(join(bed.site, bed.pack('0.3.0-beta.1'))), before)
    const root = join(bed.install, 'versions', id('0.1.0'))
    const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, unknown> // packed by our own script
    const names = (read('sbom.cdx.json')['components'] as {name: string}[]).map(({name}) => name)
    assert.ok(names.includes('@oclif/core') && names.includes('@cgpu/runtime-agent') && !names.includes('typescript'))
    assert.ok(!JSON.stringify(read('package.json')).includes('workspace:'))
    assert.ok(!('devDependencies' in read('package.json')))
    assert.ok(!JSON.stringify(read('package-lock.json')).includes('://'))
  })

  // last: one of them removes what the others begin with
  describe('does what the help and docs/update.md show:', () => {
    const shown = [...examples().filter((line) => /^cgpu (update|version (list|use|install|remove))\b/.test(line)), ...blocks('docs/update.md')]
    for (const line of new Set(shown.toSorted((a, b) => order(a) - order(b)))) {
      it(line, async () => {
        if (line.startsWith('cgpu update')) await bed.reset('0.1.0')
        if (line.includes('--rollback')) ok(await bed.run(['update']))
        if (line.includes('remove')) {
          ok(await bed.run(['version', 'install', /\d\S+/.exec(line)?.[0] ?? '']))
          const other = line.includes('0.1.0') ? '0.2.0' : '0.1.0'
          ok(await bed.run(['version', 'install', other]))
          ok(await bed.run(['version', 'use', other]))
        }
        const {status, stdout, stderr} = await bed.run(line.split(' ').slice(1))
        assert.equal(status, 0, `${stdout}${stderr}`)
      })
    }
  })
})

/** The commands on versions in the shell blocks of a page. */
function blocks(page: string): string[] {
  const lines = [...readFileSync(join(repoRoot, page), 'utf8').matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => block.split('\n'))
  return lines.map((line) => line.replace(/\s+#.*$/, '')).filter((line) => /^cgpu (update|version)\b/.test(line))
}

/** What another one needs comes before it; from a version that is small nothing can be done. */
function order(line: string): number {
  return line.includes('remove 0.1.0') ? 3 : line.includes('remove') ? 2 : line.startsWith('cgpu version') ? 1 : 0
}

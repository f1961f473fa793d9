import assert from 'node:assert/strict'
import {once} from 'node:events'
import {readdirSync, readFileSync} from 'node:fs'
import {mkdir, symlink, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {pathToFileURL} from 'node:url'
import {cgpu, envelope, repoRoot, sealedHome, type SealedHome, startCgpu} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {writePlugin} from '../helpers/plugin-folder.ts'
import {installFixture} from '../helpers/untrusted.ts'

const bare = {PATH: dirname(process.execPath)}

/** Ids of processes whose command line names the text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((id) => {
    try {
      return /^\d+$/.test(id) && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(text)
    } catch {
      return false
    }
  })
}

describe('an untrusted plugin\'s process', () => {
  let home: SealedHome
  let root: string
  before(async function () {
    if (process.platform !== 'linux') this.skip()
    home = await sealedHome()
    root = await installFixture(home, 'evil', {acceptsNetwork: true})
  })
  after(() => home?.remove())

  const cases = [['as this machine can', {}], ['by Node alone', bare]] as const
  for (const [how, env] of cases) {
    for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGKILL', null]] as const) {
      it(`held ${how}, ends with cgpu on ${signal}, whatever it listens to`, async () => {
        const child = startCgpu(['evil', 'deaf'], {home, env})
        child.stdin?.end()
        const [printed] = (await once(child.stdout!, 'data')) as [Buffer] // piped by startCgpu
        assert.match(printed.toString(), /^pid \d+/)
        assert.notDeepEqual(processesWith(`--allow-fs-read=${root}`), [])
        child.kill(signal)
        const [code] = (await once(child, 'exit')) as [number | null]
        assert.equal(code, status)
        for (let tries = 0; processesWith(`--allow-fs-read=${root}`).length > 0; tries++) {
          assert.ok(tries < 200, 'it is still there')
          await delay(50)
        }
      })
    }
  }
})

describe('packages that an untrusted plugin depends on', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
    const made = join(home.path, 'made')
    const names = ['hoisted', 'nested', 'linked']
    const body = `const all = await Promise.all(${JSON.stringify(names)}.map((name) => import(name))); this.log(all.map((one) => one.default.name).join(' '))`
    writePlugin(made, {name: 'cgpu-dependent', commands: {'use-packages': body}, pjson: {dependencies: Object.fromEntries(names.map((name) => [name, '1']))}})
    const root = await installFixture(home, made, {acceptsNetwork: true})
    const modules = join(home.dataDir, 'node_modules')
    const put = async (folder: string, code: string, pjson: object): Promise<void> => {
      await mkdir(folder, {recursive: true})
      await writeFile(join(folder, 'package.json'), JSON.stringify({version: '1.0.0', ...pjson}))
      await writeFile(join(folder, 'index.js'), code)
    }
    await put(join(modules, 'hoisted'), 'export default {name: "hoisted"}', {name: 'hoisted', type: 'module', exports: './index.js'})
    await put(join(root, 'node_modules/nested'), 'module.exports = {name: "nested"}', {name: 'nested', main: 'index.js'})
    // as pnpm has them: each by a link, also for the packages that it depends on itself
    const real = (name: string): string => join(modules, '.pnpm', `${name}@1.0.0`, 'node_modules', name)
    await put(real('linked'), 'import {name} from "@deep/er"\nexport default {name: `linked ${name}`}', {name: 'linked', type: 'module', exports: './index.js', dependencies: {'@deep/er': '1'}})
    await put(real('@deep/er'), 'exports.name = "deeper"', {name: '@deep/er'})
    await symlink(real('linked'), join(modules, 'linked'))
    await mkdir(join(dirname(real('linked')), '@deep'))
    await symlink(real('@deep/er'), join(dirname(real('linked')), '@deep/er'))
  })
  after(() => home?.remove())

  for (const [how, env] of [['as this machine can', {}], ['by Node alone', bare]] as const) {
    it(`are found, held ${how}, wherever they are and by links`, async () => {
      const {stdout, stderr} = await cgpu(['use-packages'], {home, env})
      assert.equal(stdout, 'hoisted nested linked deeper\n', stderr)
    })
  }
})

describe('plugins where nobody is untrusted', () => {
  it('load nothing of the sandbox', async () => {
    const home = await sealedHome()
    try {
      await linkPlugin(home, [{name: 'cgpu-plain', commands: {hello: 'export default class Hello { static async run() { console.log("hello") } }'}}])
      const file = join(home.path, 'modules.json')
      const counter = pathToFileURL(join(repoRoot, 'test/helpers/count-modules.mjs')).href
      const {stdout, stderr} = await cgpu(['hello'], {home, nodeArgs: ['--import', counter], env: {CGPU_TEST_MODULES: file}})
      assert.equal(stdout, 'hello\n', stderr)
      const loaded = JSON.parse(readFileSync(file, 'utf8')) as string[] // count-modules.mjs wrote it
      assert.deepEqual(loaded.map((url) => url.replace(pathToFileURL(repoRoot).href, '/')).filter((path) => path.includes('/sandbox/')), [])
    } finally {
      await home.remove()
    }
  })
})

describe('hooks of an untrusted plugin', () => {
  let home: SealedHome
  let root: string
  before(async () => {
    home = await sealedHome()
    // this one hinders that anything is made: what the other one does is a warning before
    await linkPlugin(home, [{name: 'cgpu-police', hooks: {'runtime:before-create': 'return {veto: "spec " + JSON.stringify(options.spec)}'}}])
    root = await installFixture(home, 'evil', {acceptsNetwork: true})
  })
  after(() => home.remove())
  const be = (how: string) => writeFile(join(root, 'how.json'), JSON.stringify({EVIL_HOOK: how}))
  const create = () => cgpu(['runtime', 'create', '--json'], {home})

  const bad: [how: string, match: RegExp][] = [
    ['throw', /^plugin cgpu-plugin-evil failed in runtime:before-create: .*no \\x1b\[2J$/], ['hang', /took too long|Timed out/], ['wait', /took too long|Timed out/],
    ['flood', /cgpu-plugin-evil printed more than 65536 bytes|Timed out/], ['exit', /cgpu-plugin-evil ended with status 0|Timed out/],
  ]
  for (const [how, match] of bad) {
    it(`become a warning when one would ${how}`, async () => {
      await be(how)
      const answer = envelope(await create())
      assert.equal(answer.error.code, 'VETOED')
      assert.match(answer.error.message, /^cgpu-police vetoed/)
      assert.equal(answer.warnings.length, 1, answer.warnings.join('\n'))
      assert.match(answer.warnings[0] ?? '', match)
    })
  }

  it('may forbid, and are named', async () => {
    await be('veto')
    const {status, stderr} = await cgpu(['run', '--', 'echo', 'private'], {home})
    assert.equal(status, 75)
    assert.match(stderr, /^error: cgpu-plugin-evil vetoed this execution: never \\x1b\[31m$/m)
  })

  it('see what runs only where code on runtimes was granted, and nothing of the environment', async () => {
    await be('look')
    const look = async (): Promise<[argv: string[] | null, env: string[]]> => {
      const {error} = envelope(await cgpu(['run', '--json', '--', 'echo', 'private'], {home, env: {EVIL_TOKEN: 'evil-token'}}))
      return JSON.parse(error.message.replace(/^.*?: /, '')) as never // the hook wrote it
    }
    const [argv, env] = await look()
    assert.equal(argv, null)
    assert.ok(env.every((name) => /^(HOME|LANG|PATH|PWD|OLDPWD|SHLVL|_)$/.test(name) || name.startsWith('NODE_CHANNEL_')), env.join(' '))
    await installFixture(home, 'evil', {acceptsNetwork: true, granted: [{use: 'kernel', reason: 'x'}]})
    await be('look')
    assert.deepEqual((await look())[0], ['echo', 'private'])
  })

  it('change a machine that is asked for only where that was granted', async () => {
    await installFixture(home, 'evil', {acceptsNetwork: true})
    await be('')
    assert.doesNotMatch(envelope(await create()).error.message, /highRam/)
  })
})


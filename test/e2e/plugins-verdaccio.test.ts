// Against a registry that others wrote, and npm's own client: what test/helpers/registry.ts assumes of both holds.
import assert from 'node:assert/strict'
import {type ChildProcess, execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {createRequire} from 'node:module'
import {writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {promisify} from 'node:util'
import {cgpu, envelope, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {writePlugin} from '../helpers/plugin-folder.ts'

const name = 'cgpu-plugin-parrot'

/** Its own server, on a port of the system's choice, which it prints. */
const server = `const [program, folder] = process.argv.slice(1)
const {runServer} = require(program)
const everybody = {access: '$all', publish: '$authenticated', unpublish: '$authenticated'}
runServer({
  storage: folder + '/storage', self_path: folder, uplinks: {}, packages: {'@*/*': everybody, '**': everybody}, web: {enable: false},
  auth: {htpasswd: {file: folder + '/htpasswd', max_users: 10}}, log: {type: 'stdout', format: 'json', level: 'fatal'},
}).then((app) => app.listen(0, '127.0.0.1', function () { process.stdout.write('port ' + this.address().port + '\\n') }))`

describe('plugins on verdaccio', function () {
  this.timeout(60_000)
  let home: SealedHome
  let verdaccio: ChildProcess
  let url: string
  before(async function () {
    this.timeout(400_000) // once: verdaccio is installed
    const {stdout} = await promisify(execFile)(process.execPath, [join(repoRoot, 'scripts', 'test-verdaccio.mjs')])
    home = await sealedHome()
    verdaccio = spawn(process.execPath, ['-e', server, '--', dirname(dirname(stdout.trim())), home.path], {cwd: home.path, env: home.env, stdio: ['ignore', 'pipe', 'inherit']})
    const {stdout: told} = verdaccio
    url = await new Promise((resolve, reject) => {
      let said = ''
      told?.on('data', (chunk: Buffer) => {
        const port = /^port (\d+)$/m.exec(said += chunk.toString())?.[1]
        if (port !== undefined) resolve(`http://127.0.0.1:${port}/`)
      })
      verdaccio.once('exit', () => reject(new Error(`verdaccio did not start: ${said}`)))
    })
    const made = await fetch(`${url}-/user/org.couchdb.user:author`, {method: 'PUT', headers: {'content-type': 'application/json'}, body: JSON.stringify({name: 'author', password: 'a good one'})})
    const {token} = await made.json() as {token: string} // verdaccio's answer
    writeFileSync(join(home.path, '.npmrc'), `registry=${url}\n${url.replace('http:', '')}:_authToken=${token}\nupdate-notifier=false\n`)
  })
  after(async () => {
    if (verdaccio?.exitCode === null) {
      verdaccio.kill()
      await once(verdaccio, 'exit')
    }
    await home?.remove()
  })

  /** By npm's own client. */
  async function publish(version: string, said: string): Promise<void> {
    const folder = join(home.cwd, version)
    writePlugin(folder, {name, version, commands: {parrot: `this.log('${said}')`}, capabilities: [{use: 'kernel', reason: 'repeats code'}]})
    const npm = join(dirname(createRequire(join(repoRoot, 'packages/plugins/package.json')).resolve('npm/package.json')), 'bin/npm-cli.js')
    await promisify(execFile)(process.execPath, [npm, 'publish', '--loglevel=error'], {cwd: folder, env: home.env})
  }
  const run = (...args: string[]) => cgpu(args, {home})

  it('are found, read about, installed, used, updated and removed', async () => {
    await publish('1.0.0', 'one')
    const found = envelope<{name: string; version: string}[]>(await run('plugins', 'search', 'parrot', '--json'))
    assert.deepEqual(found.data.map((one) => [one.name, one.version]), [[name, '1.0.0']])
    const about = await run('plugins', 'info', name)
    assert.match(about.stdout, /^needs +kernel: code on your runtimes \(repeats code\)$/m, about.stderr)
    const installed = await run('plugins', 'install', name, '--yes', '--trust', '--json')
    const {data} = envelope<{plugin: {version: string; source: string; signature: string}}>(installed)
    assert.deepEqual([data.plugin.version, data.plugin.source, data.plugin.signature], ['1.0.0', 'registry', 'unsigned'])
    assert.equal((await run('parrot')).stdout, 'one\n')
    await publish('1.1.0', 'two')
    assert.equal((await run('plugins', 'update')).stdout, `updated ${name} 1.0.0 to 1.1.0\n`)
    assert.equal((await run('parrot')).stdout, 'two\n')
    assert.equal((await run('plugins', 'uninstall', name)).stdout, `removed ${name} 1.1.0\n`)
    assert.equal((await run('parrot')).status, 127)
  })
})

// The commands that the documentation shows are run, in the order in which a reader types them.
import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {cgpuBin, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {knowTestPython} from '../helpers/known-python.ts'
import {startJupyter, type TestJupyter, testPython} from '../helpers/jupyter-server.ts'
import {scriptsOf} from '../helpers/pages.ts'

const pages = ['README.md', ...readdirSync(join(repoRoot, 'docs')).filter((name) => name.endsWith('.md')).map((name) => join('docs', name))]
const read = (page: string): string => readFileSync(join(repoRoot, page), 'utf8')

/** One script a page, so that later blocks see what earlier ones made. */
const runnable = (page: string): string => scriptsOf(page, 'run').map(({script}) => script).join('\n')

describe('documentation', () => {
  let home: SealedHome
  let server: TestJupyter
  before(async () => {
    home = await sealedHome()
    server = await startJupyter()
    const bin = join(home.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" "${cgpuBin}" "$@"\n`)
    chmodSync(join(bin, 'cgpu'), 0o755)
    mkdirSync(join(home.cwd, 'examples'))
    for (const name of readdirSync(join(repoRoot, 'examples'))) copyFileSync(join(repoRoot, 'examples', name), join(home.cwd, 'examples', name))
    writeFileSync(join(home.cwd, 'token.txt'), `${server.token}\n`)
    Object.assign(home.env, {PATH: `${bin}:${home.env['PATH']}`, CGPU_PYTHON: testPython, SERVER_URL: server.url})
    await knowTestPython(home)
  })
  after(async () => {
    for (const args of [['stop', '--all', '--yes'], ['emulator', 'stop', '--all']]) spawnSync(process.execPath, [cgpuBin, ...args], {env: home.env})
    await server.stop()
    await home.remove()
  })

  for (const page of pages.filter((one) => runnable(one) !== '')) {
    it(`${page}: its commands do what it says`, function () {
      this.timeout(240_000)
      const done = spawnSync('bash', ['-euo', 'pipefail', '-c', runnable(page)], {env: home.env, cwd: home.cwd, encoding: 'utf8'})
      assert.equal(done.status, 0, `${done.stdout}\n${done.stderr}`)
    })
  }

  it('links lead to files that exist', () => {
    for (const page of [...pages, 'CONTRIBUTING.md', 'SECURITY.md', ...['jupyter', 'plugin-sdk', 'runtime-agent'].map((name) => `packages/${name}/README.md`)]) {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        assert.ok(existsSync(join(repoRoot, page, '..', target)), `${page}: ${target}`)
      }
    }
  })

  it('every command that it names exists', () => {
    const manifest = JSON.parse(read('oclif.manifest.json')) as {commands: Record<string, {aliases: string[]}>} // written by our own build
    const known = Object.entries(manifest.commands).flatMap(([id, {aliases}]) => [id, ...aliases]).map((id) => id.replaceAll(':', ' '))
    const topics = new Set([...known.map((name) => name.split(' ')[0]), 'emulator', 'notebook', 'nb', 'plugins', 'update', 'which', 'help', '__complete', 'hello'])
    for (const page of pages) {
      for (const [, word = ''] of read(page).matchAll(/`(?:\$ )?cgpu ([a-z_]+(?:-[a-z]+)*)/g)) assert.ok(topics.has(word), `${page}: cgpu ${word}`)
    }
  })
})

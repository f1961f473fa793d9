import assert from 'node:assert/strict'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {managerOf} from './manager.ts'

describe('managerOf', () => {
  let base: string
  before(() => (base = mkdtempSync(join(tmpdir(), 'cgpu-manager-'))))
  after(() => rmSync(base, {recursive: true}))

  const cases: [folder: string, env: NodeJS.ProcessEnv, wanted: string, command: string][] = [
    ['lib/node_modules/@cgpu/cli', {}, 'stable', 'npm install -g @cgpu/cli@latest'],
    ['lib/node_modules/@cgpu/cli', {}, 'beta', 'npm install -g @cgpu/cli@beta'],
    ['lib/node_modules/@cgpu/cli', {}, '0.2.0', 'npm install -g @cgpu/cli@0.2.0'],
    ['share/pnpm/global/5/node_modules/@cgpu/cli', {}, 'stable', 'pnpm add -g @cgpu/cli@latest'],
    ['.config/yarn/global/node_modules/@cgpu/cli', {}, 'stable', 'yarn global add @cgpu/cli@latest'],
    ['.bun/install/global/node_modules/@cgpu/cli', {}, 'stable', 'bun add -g @cgpu/cli@latest'],
    ['.npm/_npx/a1b2/node_modules/@cgpu/cli', {}, 'stable', 'npx @cgpu/cli@latest'],
    ['Cellar/cgpu/0.1.0/libexec/lib/node_modules/@cgpu/cli', {}, 'stable', 'brew upgrade cgpu'],
    ['src/cgpu', {}, 'stable', 'git pull && npm run build'],
  ]
  for (const [folder, env, wanted, command] of cases) {
    it(`has ${wanted} in ${folder} asked for by "${command}"`, () => {
      const root = join(base, folder)
      mkdirSync(root, {recursive: true})
      assert.equal(managerOf(root, env)?.command(wanted), command)
    })
  }

  it('is nobody where an archive was unpacked, unless a packager says so', () => {
    const root = join(base, 'opt/cgpu/versions/0.1.0-c0ffee00')
    mkdirSync(root, {recursive: true})
    writeFileSync(join(root, 'build.json'), '{}')
    assert.equal(managerOf(root, {}), undefined)
    writeFileSync(join(root, 'managed-by'), 'sudo apt upgrade\n')
    assert.equal(managerOf(root, {})?.command('stable'), 'sudo apt upgrade')
  })
})

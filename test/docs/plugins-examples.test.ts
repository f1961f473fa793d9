// The examples in the help of `cgpu plugins …` and the commands of docs/plugins-install.md, run at a registry of this machine.
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {cgpuBin, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {examples, isPluginsExample} from '../helpers/examples.ts'
import {scriptsOf} from '../helpers/pages.ts'
import {writePlugin} from '../helpers/plugin-folder.ts'
import {pluginPackage} from '../helpers/plugin-package.ts'
import {startRegistry, type TestRegistry} from '../helpers/registry.ts'

const install = 'cgpu plugins install cgpu-plugin-hello --yes'
const link = 'cgpu plugins link my-plugin'
/** What must be there before an example makes sense. */
const needs: [RegExp, string][] = [
  [/ (uninstall|trust|inspect|verify|update|audit|reset)/, install], [/ unlink /, link],
]
/** Somebody is asked there; here nobody is. */
const unasked = (line: string): string => (line === 'cgpu plugins install cgpu-plugin-hello' ? `${line} --yes` : line)

describe('examples of plugins', function () {
  this.timeout(60_000)
  let home: SealedHome
  let registry: TestRegistry
  let shell: (line: string, cwd?: string) => Promise<string>
  before(async () => {
    registry = await startRegistry()
    registry.publish(pluginPackage({name: 'cgpu-plugin-hello'}))
    home = await sealedHome()
    const bin = join(home.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`, {mode: 0o755})
    writePlugin(join(home.cwd, 'my-plugin'), {name: 'cgpu-plugin-mine', commands: {mine: ''}})
    const env = {...home.env, PATH: `${bin}:${home.env['PATH']}`, CGPU_NPM_REGISTRY: registry.url}
    shell = async (line, cwd = home.cwd) => (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', line], {env, cwd})).stdout
  })
  after(async () => {
    await registry.stop()
    await home.remove()
  })

  // what `create` makes is built and tested by test/e2e/plugins-create.test.ts
  const all = examples().filter((line) => isPluginsExample(line) && !line.startsWith('cgpu plugins create'))
  for (const line of all) {
    it(line, async () => {
      const [, before] = needs.find(([pattern]) => pattern.test(line)) ?? []
      if (before !== undefined) await shell(before)
      await shell(unasked(line), /plugins (link|manifest|publish --dry-run)$/.test(line) ? join(home.cwd, 'my-plugin') : home.cwd)
    })
  }

  it('of the page on installing do what it says', async function () {
    this.timeout(120_000)
    await shell('cgpu plugins reset --yes')
    const blocks = scriptsOf('docs/plugins-install.md', 'run with a registry')
    assert.ok(blocks.length >= 3)
    await shell(blocks.map(({script}) => script).join('\n'))
  })
})

import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {type InstallBed, installBed} from '../../../../test/helpers/install-bed.ts'
import {pluginPackage} from '../../../../test/helpers/plugin-package.ts'
import {startRegistry, type TestRegistry} from '../../../../test/helpers/registry.ts'
import {treeDigest} from './tree.ts'

const child = fileURLToPath(new URL('../../../../test/helpers/install-child.ts', import.meta.url))

describe('an installation that is killed', function () {
  this.timeout(60_000)
  let registry: TestRegistry
  let bed: InstallBed
  before(async () => {
    registry = await startRegistry()
    bed = installBed(registry.url)
    const files = Object.fromEntries(Array.from({length: 40}, (_, i) => [`dist/lib/${i}.js`, 'x'.repeat(2000)]))
    for (const version of ['1.0.0', '2.0.0']) registry.publish(pluginPackage({name: 'x-a', version, files}))
  })
  after(async () => {
    await registry.stop()
    bed.remove()
  })

  it('leaves one whole version, trusted only where that very version was, and what the next one cleans up', async () => {
    for (let round = 0; round < 4; round++) {
      const killed = spawn(process.execPath, ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', child, registry.url, bed.folder], {stdio: ['ignore', 'pipe', 'inherit']})
      await once(killed.stdout, 'data')
      // somewhere in the middle of a later one
      const requests = registry.requests.length + 1 + round
      while (registry.requests.length < requests) await delay(1)
      killed.kill('SIGKILL')
      await once(killed, 'exit')

      const [plugin, ...others] = await bed.installer().installed()
      assert.ok(plugin && others.length === 0)
      assert.equal(plugin.version, (JSON.parse(readFileSync(join(plugin.root, 'package.json'), 'utf8')) as {version: string}).version) // written by pluginPackage
      assert.equal(await treeDigest(join(plugin.root, '..')), plugin.digest)
      if (plugin.level === 'trusted') assert.equal((await bed.installer().trust.get('x-a'))?.version, plugin.version)
    }
    await bed.install('x-a@1.0.0')
    await bed.installer().uninstall('x-a')
    assert.deepEqual(bed.left(), [])
  })
})

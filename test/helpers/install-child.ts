// Installs one plugin over and over, one version after the other, until it is killed. argv: registry, folder.
import {join} from 'node:path'
import {PluginInstaller, Registry, registryConfig} from '@cgpu/plugins/install'

const [url = '', folder = ''] = process.argv.slice(2)
const installer = new PluginInstaller({
  dataDir: join(folder, 'data'), cacheDir: join(folder, 'cache'), configDir: join(folder, 'config'), cwd: folder, env: {HOME: folder}, offline: false,
  host: {version: '0.1.0', commands: new Set(), plugins: new Set()}, registry: new Registry(registryConfig({HOME: folder}, url)), onWarning: () => {},
})
for (let i = 0; ; i++) {
  await installer.prepared(`x-a@${1 + (i % 2)}.0.0`, (prepared) => installer.commit(prepared, i % 3 === 0 ? 'trusted' : 'untrusted'))
  if (i === 0) process.stdout.write('installed\n')
}

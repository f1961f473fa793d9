import {release, type as systemType} from 'node:os'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {notHere} from '../shell/pinned.ts'

export interface VersionInfo {
  version: string
  node: string
  platform: string
  arch: string
  /** of the operating system */
  system: string
  root: string
  configDir: string
  dataDir: string
  cacheDir: string
  plugins: {name: string; version: string; type: string}[]
}

/** Prints the version, and with --verbose what a bug report needs. */
export default class Version extends CgpuCommand<VersionInfo> {
  static override examples = [
    {command: '<%= config.bin %> version', description: 'the version'},
    {command: '<%= config.bin %> version --verbose', description: 'everything that a bug report needs'},
  ]
  static override fullConfig = true
  static override seeAlso = ['doctor']
  static override summary = 'show the version'

  async run(): Promise<VersionInfo> {
    await this.parse(Version)
    const {version, root, configDir, dataDir, cacheDir} = this.config
    const plugins = [...this.config.plugins.values()]
      .filter(({isRoot, type}) => !isRoot && type !== notHere)
      .map((plugin) => ({name: plugin.name, version: plugin.version, type: plugin.type}))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const info = {
      version, node: process.versions.node, platform: process.platform, arch: process.arch, system: `${systemType()} ${release()}`, root, configDir, dataDir, cacheDir, plugins,
    }
    if (this.verbose) {
      const {plugins: _, ...fields} = info
      this.log(Object.entries(fields).map(([name, value]) => `${name.padEnd(10)} ${value}`).join('\n'))
      for (const plugin of plugins) this.log(`plugin     ${plugin.name} ${plugin.version} (${plugin.type})`)
    } else this.log(`cgpu ${version} ${info.platform}-${info.arch} node-v${info.node}`)
    return info
  }
}

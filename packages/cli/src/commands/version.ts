import {CgpuCommand} from '@cgpu/plugin-sdk'

export interface VersionInfo {
  version: string
  node: string
  platform: string
  arch: string
}

/** Prints the version. */
export default class Version extends CgpuCommand<VersionInfo> {
  static override examples = [{command: '<%= config.bin %> version --verbose', description: 'everything that a bug report needs'}]
  static override summary = 'show the version'

  async run(): Promise<VersionInfo> {
    await this.parse(Version)
    this.log(`cgpu ${this.config.version}`)
    return {version: this.config.version, node: process.versions.node, platform: this.config.platform, arch: this.config.arch}
  }
}

import {homedir} from 'node:os'
import {findProjectFile} from '@cgpu/core/config/project'
import {ConfigCommand} from '../../config-command.ts'

export interface ConfigPaths {
  /** the user config file; it need not exist */
  file: string
  /** the project file that counts in this folder */
  project: string | null
  configDir: string
  dataDir: string
  cacheDir: string
}

/** Prints where the user config is. */
export default class ConfigPath extends ConfigCommand<ConfigPaths> {
  static override examples = [{command: '<%= config.bin %> config path', description: 'the file, for an editor'}]
  static override seeAlso = ['config list']
  static override standalone = true
  static override summary = 'show where the config file is'

  async run(): Promise<ConfigPaths> {
    await this.parse(ConfigPath)
    const {cacheDir, configDir, dataDir} = this.config
    this.log(this.store.path)
    return {file: this.store.path, project: findProjectFile(process.cwd(), homedir()) ?? null, configDir, dataDir, cacheDir}
  }
}
